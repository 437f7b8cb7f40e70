"""``make parity``: run every recorded vector of a directory against this project.

Exits 1 if a tensor fails, if nothing was run, or if a kind asked for cannot be run. What is not supported is listed as
not run, never as passed.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))

import kind_attention
import kind_block
import kind_camera
import kind_dit
import kind_layers
import kind_rollout
import kind_scan
import kind_tables
from results import Line, Outcome, judge
from vector_files import VectorFile, list_vectors

from kernels.backend import Backend, UnknownBackendError, interpreting, parse_backend
from model.config import Numerics, numerics_named

Runner = Callable[[VectorFile, Numerics, Backend], Outcome]

RUNNERS: dict[str, Runner] = {
    "scan": kind_scan.run,
    "attention": kind_attention.run,
    "block": kind_block.run,
    "dit": kind_dit.run,
    "dit_streaming": kind_rollout.run_streaming,
    "samplers": kind_rollout.run_samplers,
    "ffn_shortconv": kind_layers.run_ffn_shortconv,
    "rope": kind_layers.run_rope,
    "ucpe": kind_camera.run_ucpe,
    "plucker_pack": kind_camera.run_plucker_pack,
    "action_to_c2w": kind_camera.run_actions,
    "schedules": kind_tables.run_schedules,
    "preproc": kind_tables.run_preproc,
}
PROFILE_KINDS = {"attention", "block", "dit", "dit_streaming", "samplers"}
INFORMATION = "check"


def run_file(file: VectorFile, backend: Backend, only: str = "") -> list[Line]:
    """All profiles a file holds for (or one of them); a file whose values depend on none is run once."""
    profiles = file.profiles if file.kind in PROFILE_KINDS else file.profiles[:1]
    if only and file.kind in PROFILE_KINDS:
        profiles = [profile for profile in profiles if profile == only]
    lines: list[Line] = []
    for profile in profiles:
        try:
            numerics = numerics_named(profile)
        except ValueError as error:
            lines.append(Line(file.name, profile, "-", None, 0.0, f"not run: {error}"))
            continue
        shown = profile if file.kind in PROFILE_KINDS else "any"
        try:
            with torch.no_grad():
                outcome = RUNNERS[file.kind](file, numerics, backend)
        except Exception as error:
            message = f"FAIL: {type(error).__name__}: {error}"
            lines.append(Line(file.name, shown, "-", float("inf"), 0.0, message))
            continue
        lines.extend(judge(file, shown, outcome))
    return lines


def main(arguments: list[str] | None = None) -> int:
    """Run and print; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=Path, required=True, help="a directory in the vectors' layout")
    parser.add_argument("--kinds", default="", help="comma-separated kinds; empty runs all")
    parser.add_argument("--backend", default=Backend.REFERENCE.value)
    parser.add_argument("--profile", default="", help="one numerics profile; empty runs all")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)  # tiny tensors: threads only wait for each other
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        backend = parse_backend(options.backend)
    except UnknownBackendError as error:
        return _say(f"error: {error}", 1)
    if backend is Backend.TRITON and not interpreting():
        return _run_interpreted(options)
    if not options.vectors.is_dir():
        return _say(f"error: {options.vectors} is not a directory", 1)
    wanted = [kind.strip() for kind in options.kinds.split(",") if kind.strip()]
    files = list_vectors(options.vectors)
    chosen = [file for file in files if not wanted or file.kind in wanted]
    lines = [line for file in chosen if file.kind in RUNNERS for line in _run_and_print(file, backend, options.profile)]
    return _conclude(lines, chosen, wanted)


def _run_interpreted(options: argparse.Namespace) -> int:
    """The same run under Triton's interpreter, which must be asked for before Python starts.

    Modules of the model choose their backend themselves, and under the interpreter that is Triton.
    """
    own = [sys.executable, __file__, "--vectors", options.vectors, "--kinds", options.kinds]
    call = ["env", "TRITON_INTERPRET=1", *own, "--backend", Backend.TRITON.value, "--profile", options.profile]
    return subprocess.run(call, check=False).returncode


def _run_and_print(file: VectorFile, backend: Backend, only: str) -> list[Line]:
    lines = run_file(file, backend, only)
    for line in lines:
        error = "-" if line.error is None else f"{line.error:.2e}"
        _say(f"{line.file:32} {line.profile:9} {line.tensor:34} {error:>9} {line.limit:.0e}  {line.verdict}")
    return lines


def _conclude(lines: list[Line], chosen: list[VectorFile], wanted: list[str]) -> int:
    for file in chosen:
        if file.kind == INFORMATION:
            _say(f"{file.name:32} information, nothing to run")
        elif file.kind not in RUNNERS:
            _say(f"{file.name:32} not run: no runner for kind {file.kind!r}")
    passed = [line for line in lines if line.verdict == "pass"]
    failed = [line for line in lines if line.verdict.startswith("FAIL")]
    unsupported = [kind for kind in wanted if kind not in RUNNERS or all(file.kind != kind for file in chosen)]
    for kind in unsupported:
        _say(f"error: kind {kind!r} cannot be run: no runner, or no file of it")
    worst = max((line.error / line.limit for line in passed if line.error and line.limit), default=0.0)
    skipped = len(lines) - len(passed) - len(failed)
    _say(f"{len(passed)} passed (worst at {worst:.0%} of its limit), {len(failed)} failed, {skipped} not run")
    if not passed and not failed:
        _say("error: nothing was run")
    return int(bool(failed or unsupported or not passed))


def _say(text: str, code: int = 0) -> int:
    sys.stdout.write(text + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
