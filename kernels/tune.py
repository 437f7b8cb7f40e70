"""Extend the plan table by measurement, when asked: ``python -m kernels.tune --write kernels/plan_table.json``.

Each kernel's candidates are timed inside its phase of a call at the released model's sizes on this GPU; the fastest
becomes the row for this device. Nothing else in the project ever tunes.
"""

import argparse
import itertools
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import torch
from triton.runtime.errors import OutOfResources
from triton.testing import do_bench

from kernels.camera_gdn import launch as camera_launch
from kernels.camera_gdn.launch import CameraOperands
from kernels.frame_gdn import launch as frame_launch
from kernels.frame_gdn.launch import FrameOperands
from kernels.launch import capability_of
from kernels.plans import TABLE, Plan, PlanKey
from kernels.problems import CallSize, random_camera, random_frame
from kernels.scan import Ends, scan

CLIP, CHUNK = CallSize(1, 20, 121, 880, 112), CallSize(1, 20, 3, 880, 112)
SPLITS = {CLIP: (1,), CHUNK: (2, 3, 4)}
KERNELS = ("matrix_steps", "normalizer_steps", "read", "scan", "camera_steps", "camera_read")


def candidates(kernel: str, splits: tuple[int, ...], warps: tuple[int, ...]) -> Iterator[Plan]:
    """Every combination worth a compilation."""
    if kernel == "scan":
        yield from (Plan(*one) for one in itertools.product((16, 32, 64), warps, (1, 2, 3)))
    else:
        yield from (Plan(*one) for one in itertools.product((32, 64), warps, (1, 2, 3), splits))


def operands(size: CallSize) -> tuple[FrameOperands, CameraOperands]:
    """A random call of each branch."""
    device = torch.device("cuda")
    frame, camera = random_frame(size, device, torch.bfloat16, 0), random_camera(size, device, torch.bfloat16, 0)
    weights, gates = (frame.query_weight, frame.key_weight), (frame.update_gate, frame.decay)
    features, tables = (frame.query, frame.key, frame.value), (frame.cosine, frame.sine)
    main = frame_launch.raw_operands(features, weights, tables, gates, frame.norm_eps, frame.key_scale)
    rays, quarter = (camera.ray_from_world, camera.world_from_ray), (camera.cosine, camera.sine)
    other = camera_launch.raw_operands(features, weights, rays, quarter, gates, camera.norm_eps, camera.key_scale)
    return main, other


def phase(kernel: str, plan: Plan, main: FrameOperands, camera: CameraOperands) -> Callable[[], object]:
    """The part of a call that launches ``kernel``, with this plan."""
    chosen = {kernel: plan}
    if kernel == "normalizer_steps":  # it shares the other kernel's splits
        chosen["matrix_steps"] = replace(main.shape.plan("matrix_steps"), splits=plan.splits)
    if kernel.startswith("camera"):
        one = replace(camera, overrides=chosen)
        if kernel == "camera_steps":
            return lambda: camera_launch.camera_steps(one)
        scanned = scan(one.shape, camera_launch.camera_steps(one), Ends(), None)
        return lambda: camera_launch.read_states(one, scanned)
    own = replace(main, overrides=chosen)
    if kernel in ("matrix_steps", "normalizer_steps"):
        return lambda: frame_launch.frame_steps(own)
    steps = frame_launch.frame_steps(own)
    if kernel == "scan":
        return lambda: scan(own.shape, steps, Ends(), None)
    read = scan(own.shape, steps, Ends(), None)
    return lambda: frame_launch.read_states(own, read, 1e-8)


def fastest(kernel: str, size: CallSize, warps: tuple[int, ...]) -> Plan:
    """The candidate with the least median time; those that do not fit the device are passed over."""
    main, camera = operands(size)
    timed: list[tuple[float, Plan]] = []
    for plan in candidates(kernel, SPLITS[size], warps):
        try:
            timed.append((do_bench(phase(kernel, plan, main, camera), 5, 20, return_mode="median"), plan))
        except OutOfResources:
            continue
        sys.stdout.write(f"{kernel:14} T={size.frames:<4} {timed[-1][0]:8.4f} ms {plan}\n")
    return min(timed, key=lambda one: one[0])[1]


def main(arguments: list[str] | None = None) -> int:
    """Measure, then write the table with the new rows; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, required=True, help="the table with this device's rows")
    parser.add_argument("--kernels", nargs="+", default=KERNELS, choices=KERNELS)
    parser.add_argument("--warps", nargs="+", type=int, default=(4, 8))
    parser.add_argument("--clips-only", action="store_true", help="leave streaming chunks as they are")
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        sys.stderr.write("error: plans are measured on a GPU and there is none here\n")
        return 2
    torch.set_grad_enabled(False)
    rows = {PlanKey(**row["key"]): row["plan"] for row in json.loads(TABLE.read_text())}
    capability = capability_of(torch.device("cuda"))
    for kernel in options.kernels:
        for size in (CLIP,) if options.clips_only else (CLIP, CHUNK):
            key = PlanKey(kernel, False, size is CLIP, 64, capability)
            rows[key] = asdict(fastest(kernel, size, tuple(options.warps)))
    lines = ",\n".join("  " + json.dumps({"key": asdict(key), "plan": plan}) for key, plan in rows.items())
    options.write.write_text(f"[\n{lines}\n]\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
