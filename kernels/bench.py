"""Time the kernels on this GPU beside the frozen PyTorch peers: ``python -m kernels.bench --out DIR``.

The peers (``peers.py`` and what it imports) are used unmodified where Python can import them, on the same tensors, in
alternating rounds; without them only the project's own figures and the device's ceilings are reported. Every output
that is timed is compared with the float32 reference first. Writes ``kernels.json``.
"""

import argparse
import importlib.util
import json
import platform
import statistics
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
import triton
from torch import Tensor
from triton.testing import do_bench

from kernels.backend import Backend
from kernels.camera_gdn import camera_gdn_raw
from kernels.camera_gdn.reference import camera_gdn_raw as camera_reference
from kernels.camera_gdn.types import CameraGDNCarry, CameraGDNRaw
from kernels.cuda_graph import captured
from kernels.frame_gdn import frame_gdn_raw
from kernels.frame_gdn.reference import frame_gdn as frame_reference
from kernels.frame_gdn.reference import prepare
from kernels.frame_gdn.types import FrameGDNCarry, FrameGDNRaw
from kernels.problems import CallSize, random_camera, random_frame
from kernels.self_check import relative_error

MINUTE = CallSize(1, 20, 121, 880, 112)
EPS = 1e-8
Call = Callable[[], Tensor]


@dataclass(frozen=True)
class Row:
    """One timed call: medians of all rounds, its error, and its distance from the byte floor."""

    section: str
    frames: int
    name: str
    ms: float
    rounds: tuple[float, ...]
    error: float | None = None
    over_floor: float | None = None
    peak_gb: float | None = None


def graphed(call: Call) -> Call:
    """The call as a replayed CUDA graph."""
    return captured(call)[0]


def alternate(calls: dict[str, Call], repeats: int) -> dict[str, tuple[float, ...]]:
    """Median milliseconds of each call in each round; all calls take turns, so that drift hits them alike."""
    rounds = [{name: do_bench(call, warmup=40, rep=160, return_mode="median") for name, call in calls.items()}]
    for _ in range(repeats - 1):
        rounds.append({name: do_bench(call, warmup=40, rep=160, return_mode="median") for name, call in calls.items()})
    return {name: tuple(one[name] for one in rounds) for name in calls}


def ceilings(repeats: int) -> tuple[list[Row], float]:
    """Copy and matrix rates; also bytes a millisecond."""
    source = torch.randn(2**30, device="cuda", dtype=torch.bfloat16)
    target = torch.empty_like(source)
    square = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    calls = {"copy 2 GiB": lambda: target.copy_(source), "bf16 matrix product 8192": lambda: square @ square}
    timed = alternate(calls, repeats)
    rows = [Row("ceilings", 0, name, statistics.median(times), times) for name, times in timed.items()]
    return rows, 4 * source.numel() / rows[0].ms


def problem(section: str, frames: int) -> tuple[Call, dict[str, Call], Call]:
    """Our call, the peers' calls and the float32 reference, on one random input."""
    size, device = replace(MINUTE, frames=frames), torch.device("cuda")
    none = [False] * frames
    if section == "main":
        frame = random_frame(size, device, torch.bfloat16, 1)
        wide = replace(frame, query=frame.query.float(), key=frame.key.float(), value=frame.value.float())
        return (
            lambda: frame_gdn_raw(frame, none, EPS, None, Backend.TRITON)[0].permute(0, 2, 3, 1, 4),
            _peers(section, frame),
            lambda: frame_reference(prepare(wide), none, EPS, FrameGDNCarry())[0].permute(0, 2, 3, 1, 4),
        )
    camera = random_camera(size, device, torch.bfloat16, 1)
    wide = replace(camera, query=camera.query.float(), key=camera.key.float(), value=camera.value.float())
    return (
        lambda: camera_gdn_raw(camera, none, None, Backend.TRITON)[0].permute(0, 2, 3, 1, 4),
        _peers(section, camera),
        lambda: camera_reference(wide, none, CameraGDNCarry())[0].permute(0, 2, 3, 1, 4),
    )


def _peers(section: str, raw: FrameGDNRaw | CameraGDNRaw) -> dict[str, Call]:
    """The frozen peers on the same numbers; empty where they cannot be imported."""
    eager, fast = eager_peer(section, raw), compiled_peer(section, raw)
    if eager is None or fast is None:
        return {}
    fast()
    return {"peer eager": eager, "peer compile": fast, "peer compile graph": graphed(fast)}


def eager_peer(section: str, raw: FrameGDNRaw | CameraGDNRaw) -> Call | None:
    """The frozen peer on the same tensors; None where it cannot be imported."""
    found = _peer(section, raw)
    return None if found is None else lambda: found[0](*found[1])


def compiled_peer(section: str, raw: FrameGDNRaw | CameraGDNRaw) -> Call | None:
    """The same, compiled."""
    found = _peer(section, raw)
    if found is None:
        return None
    fast = torch.compile(found[0], dynamic=False)
    return lambda: fast(*found[1])


def _peer(section: str, raw: FrameGDNRaw | CameraGDNRaw) -> tuple[Callable[..., Tensor], tuple] | None:
    """The peer's operator and its arguments."""
    if importlib.util.find_spec("peer_ops") is None:
        return None
    peer_ops = importlib.import_module("peer_ops")  # lies beside the project, is no dependency of it
    heads = raw.decay.shape[1]
    features = [one.flatten(1, 2).unflatten(-1, (heads, -1)) for one in (raw.query, raw.key, raw.value)]
    cosine, sine = (one.flatten(0, 1) for one in (raw.cosine, raw.sine))
    rope = peer_ops.Rope(cosine.repeat_interleave(2, -1), torch.stack((-sine, sine), -1).flatten(-2))
    shared = (*features, raw.query_weight, raw.key_weight, raw.update_gate, raw.decay, rope)
    if isinstance(raw, CameraGDNRaw):
        shared = (*shared, raw.ray_from_world.flatten(1, 2), raw.world_from_ray.flatten(1, 2))
    return (peer_ops.main_op if section == "main" else peer_ops.camera_op), shared


def compare(section: str, frames: int, bytes_per_ms: float, repeats: int) -> list[Row]:
    """One section at one length."""
    ours, peers, reference = problem(section, frames)
    expected = reference().flatten(1, 2)
    calls = {"ours": ours, "ours graph": graphed(ours), **peers}
    floor = 4 * 2 * MINUTE.width * frames * MINUTE.space / bytes_per_ms
    errors, peaks = {}, {}
    for name, call in calls.items():
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        held = torch.cuda.memory_allocated()
        output = call()
        torch.cuda.synchronize()
        peaks[name] = (torch.cuda.max_memory_allocated() - held) / 2**30
        errors[name] = relative_error(output.reshape(expected.shape), expected)
    del expected
    timed = alternate(calls, repeats)
    return [
        Row(section, frames, name, ms := statistics.median(times), times, errors[name], ms / floor, peaks[name])
        for name, times in timed.items()
    ]


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="directory for kernels.json")
    parser.add_argument("--repeats", type=int, default=3, help="alternating rounds")
    parser.add_argument("--frames", nargs="+", type=int, default=(121, 61, 3), help="lengths in latent frames")
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        sys.stderr.write("error: the benchmark needs a GPU; check without one by python -m kernels.check\n")
        return 2
    torch.set_grad_enabled(False)
    torch.backends.cuda.matmul.allow_tf32 = False
    rows, bytes_per_ms = ceilings(options.repeats)
    for frames in options.frames:
        for section in ("main", "camera"):
            rows += compare(section, frames, bytes_per_ms, options.repeats)
            _write(options.out / "kernels.json", rows, bytes_per_ms)
    for row in rows:
        floor = "" if row.over_floor is None else f"{row.over_floor:7.2f} x floor  error {row.error:.1e}"
        sys.stdout.write(f"{row.section:9} T={row.frames:<4} {row.name:26} {row.ms:9.4f} ms {floor}\n")
    return 0


def _write(path: Path, rows: list[Row], bytes_per_ms: float) -> None:
    record = {
        "device": torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "triton": triton.__version__,
        "python": platform.python_version(),
        "copy_tb_per_s": bytes_per_ms / 1e9,
        "shape": asdict(MINUTE),
        "rows": [asdict(row) for row in rows],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
