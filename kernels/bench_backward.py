"""Time forward and backward of both branches on this GPU: ``python -m kernels.bench_backward --out DIR``.

Every differentiable input but the tables gets its gradient. A floor is 11 passes over one of query, key, value, output
(forward 4; backward reads query, key, value and the output's gradient and writes three) at the same run's copy rate.
The peers and their import are those of ``kernels.bench``; gradients are checked by ``kernels.check_backward``. Writes
``kernels_backward.json``.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path

import torch
from torch import Tensor

from kernels.backend import Backend
from kernels.bench import EPS, MINUTE, Row, alternate, ceilings, compiled_peer
from kernels.camera_gdn import camera_gdn_raw
from kernels.camera_gdn.types import CameraGDNRaw
from kernels.frame_gdn import frame_gdn_raw
from kernels.frame_gdn.types import FrameGDNRaw
from kernels.problems import random_camera, random_frame

PASSES = 11
TABLES = ("cosine", "sine", "ray_from_world", "world_from_ray")


def leaves(raw: FrameGDNRaw | CameraGDNRaw) -> dict[str, Tensor]:
    """The differentiable inputs of a call, each a leaf."""
    tensors = {one.name: getattr(raw, one.name) for one in fields(raw) if one.name not in TABLES}
    return {name: one.detach().requires_grad_() for name, one in tensors.items() if isinstance(one, Tensor)}


def trained(call: Callable[[], Tensor], inputs: list[Tensor]) -> Callable[[], tuple[Tensor, ...]]:
    """Forward, then the gradients of all inputs for one random gradient of the output."""
    with torch.no_grad():
        incoming = torch.randn_like(call())
    return lambda: torch.autograd.grad(call(), inputs, incoming)


def compare(section: str, frames: int, bytes_per_ms: float, repeats: int) -> list[Row]:
    """One branch: ours, and the compiled peer where it can be imported."""
    size, device = replace(MINUTE, frames=frames), torch.device("cuda")
    none = [False] * frames
    make = random_frame if section == "main" else random_camera
    raw = make(size, device, torch.bfloat16, 1)
    own = leaves(raw)
    learned = replace(raw, **own)
    if isinstance(learned, FrameGDNRaw):
        calls = {"ours": lambda: frame_gdn_raw(learned, none, EPS, None, Backend.TRITON)[0]}
    else:
        calls = {"ours": lambda: camera_gdn_raw(learned, none, None, Backend.TRITON)[0]}
    peer = compiled_peer(section, learned)
    timed = {"ours": trained(calls["ours"], list(own.values()))}
    if peer is not None:
        timed["peer compile"] = trained(peer, list(own.values()))
    peaks = {}
    for name, call in timed.items():
        call()
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        held = torch.cuda.memory_allocated()
        finite = all(bool(one.isfinite().all()) for one in call())
        if not finite:
            raise ValueError(f"{section}, {name}: a gradient is not finite")
        peaks[name] = (torch.cuda.max_memory_allocated() - held) / 2**30
    floor = PASSES * 2 * size.width * frames * size.space / bytes_per_ms
    return [
        Row(section, frames, name, ms := statistics.median(times), times, None, ms / floor, peaks[name])
        for name, times in alternate(timed, repeats).items()
    ]


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="directory for kernels_backward.json")
    parser.add_argument("--repeats", type=int, default=3, help="alternating rounds")
    parser.add_argument("--frames", nargs="+", type=int, default=(121, 61), help="lengths in latent frames")
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        sys.stderr.write("error: the benchmark needs a GPU; check without one by python -m kernels.check_backward\n")
        return 2
    torch.backends.cuda.matmul.allow_tf32 = False
    rows, bytes_per_ms = ceilings(options.repeats)
    options.out.mkdir(parents=True, exist_ok=True)
    for frames in options.frames:
        for section in ("main", "camera"):
            rows += compare(section, frames, bytes_per_ms, options.repeats)
            record = {"device": torch.cuda.get_device_name(), "torch": torch.__version__, "shape": asdict(MINUTE)}
            record["rows"] = [asdict(row) for row in rows]
            (options.out / "kernels_backward.json").write_text(json.dumps(record, indent=1) + "\n")
    for row in rows:
        floor = "" if row.over_floor is None else f"{row.over_floor:7.2f} x floor  {row.peak_gb:.2f} GB over inputs"
        sys.stdout.write(f"{row.section:9} T={row.frames:<4} {row.name:16} {row.ms:9.4f} ms {floor}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
