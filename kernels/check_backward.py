"""Every kernel's gradients against float64 autograd of its reference: ``python -m kernels.check_backward``.

All inputs, both precisions, on and off the tile grid, with resets and carried states, and the same bits twice. On a
machine without a GPU set ``TRITON_INTERPRET=1``: small sizes, float32 only. Exits 1 if anything fails.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import TypeVar
from unittest.mock import patch

import torch
from torch import Tensor

from kernels.backend import Backend
from kernels.camera_gdn import CameraGDNCarry, camera_gdn, camera_gdn_raw
from kernels.camera_gdn.reference import prepare as prepare_camera
from kernels.camera_gdn.types import CameraGDNInputs, CameraGDNRaw
from kernels.check import Line, checked_device, report
from kernels.frame_gdn import FrameGDNCarry, FrameGDNState, frame_gdn, frame_gdn_raw
from kernels.frame_gdn.reference import prepare as prepare_frame
from kernels.frame_gdn.types import FrameGDNInputs, FrameGDNRaw
from kernels.key_prep import prepare_features
from kernels.problems import CallSize, random_camera, random_frame
from kernels.ray_rope import rotate, transform_rays
from kernels.self_check import relative_error
from kernels.short_conv import short_conv, short_conv_alone

Call = TypeVar("Call", FrameGDNRaw, CameraGDNRaw, FrameGDNInputs, CameraGDNInputs)
LIMITS = {torch.float32: 1e-5, torch.bfloat16: 1e-2}
EPS = 1e-8
SMALL = (CallSize(1, 1, 3, 5, 16), CallSize(1, 2, 3, 21, 24), CallSize(2, 1, 2, 16, 32))
LARGE = (
    CallSize(1, 20, 7, 880, 112),
    CallSize(2, 3, 5, 881, 112),
    CallSize(1, 2, 31, 63, 112),
    CallSize(1, 2, 4, 64, 64),
)
FEATURES = ("query", "key", "value", "rotated_query", "rotated_key")
TABLES = ("cosine", "sine", "ray_from_world", "world_from_ray")


@contextmanager
def float64_references() -> Iterator[None]:
    """The references compute in ``Tensor.float()``: inside, that is float64."""
    with patch.object(torch.Tensor, "float", torch.Tensor.double):
        yield


@dataclass(frozen=True)
class Problem:
    """A differentiable call: its leaves by name, and the outputs they give on a backend."""

    leaves: dict[str, Tensor]
    outputs: Callable[[dict[str, Tensor], Backend], Sequence[Tensor]]


def gradients(problem: Problem, backend: Backend, incoming: Sequence[Tensor]) -> dict[str, Tensor]:
    """Gradients of all leaves; the reference's are computed in float64 from the same numbers."""
    exact = backend is Backend.REFERENCE
    leaves = {
        name: (one.double() if exact else one).detach().clone().requires_grad_() for name, one in problem.leaves.items()
    }
    outputs = problem.outputs(leaves, backend)
    weights = [one.to(output.dtype) for one, output in zip(incoming, outputs, strict=True)]
    found = torch.autograd.grad(outputs, list(leaves.values()), weights)
    return dict(zip(leaves, found, strict=True))


def compare(kernel: str, case: str, problem: Problem, limit: float, seed: int) -> Iterator[Line]:
    """One line for each leaf, and one for the same bits twice."""
    device = next(iter(problem.leaves.values())).device
    generator = torch.Generator(device).manual_seed(seed)
    with torch.no_grad():  # on the same backend: its outputs are of the features' type
        shapes = [(one.shape, one.dtype) for one in problem.outputs(problem.leaves, Backend.TRITON)]
    incoming = [torch.randn(shape, device=device, generator=generator).to(dtype) for shape, dtype in shapes]
    mine = gradients(problem, Backend.TRITON, incoming)
    with float64_references():
        exact = gradients(problem, Backend.REFERENCE, incoming)
    for name, gradient in mine.items():
        yield Line(f"{kernel} d {name}", case, relative_error(gradient, exact[name]), limit)
    if device.type == "cuda":  # the interpreter runs one program after another: nothing could differ
        again = gradients(problem, Backend.TRITON, incoming)
        same = all(torch.equal(mine[name], again[name]) for name in mine)
        yield Line(f"{kernel} same bits", case, float(not same), 0.0)


def fused(size: CallSize, device: torch.device, dtype: torch.dtype, seed: int) -> Iterator[Line]:
    """Both gated delta rules, from raw projections and from prepared features, with resets and carried states."""
    case = f"{size.batch}x{size.heads}x{size.frames}x{size.space}x{size.dim} {str(dtype).removeprefix('torch.')}"
    resets = [index % 3 == 1 for index in range(size.frames)]
    generator = torch.Generator(device).manual_seed(seed)
    shape = (2, size.batch, size.heads, size.dim + 1, size.dim)
    ends = tuple(0.1 * torch.rand(shape, device=device, generator=generator))
    frame, camera = random_frame(size, device, dtype, seed), random_camera(size, device, dtype, seed)
    with torch.no_grad():
        prepared_frame, prepared_camera = prepare_frame(frame), prepare_camera(camera)
    limit = LIMITS[dtype]
    yield from compare("frame_gdn_raw", case, _frame(frame, ends, resets), limit, seed)
    yield from compare("frame_gdn", case, _frame(prepared_frame, ends, resets), limit, seed)
    yield from compare("camera_gdn_raw", case, _camera(camera, ends, resets), limit, seed)
    yield from compare("camera_gdn", case, _camera(prepared_camera, ends, resets), limit, seed)


def _leaves(call: FrameGDNRaw | CameraGDNRaw | FrameGDNInputs | CameraGDNInputs) -> dict[str, Tensor]:
    tensors = {one.name: getattr(call, one.name) for one in fields(call) if one.name not in TABLES}
    return {name: one for name, one in tensors.items() if isinstance(one, Tensor)}


def _with(call: Call, leaves: dict[str, Tensor]) -> Call:
    tables = {one.name: getattr(call, one.name) for one in fields(call) if one.name in TABLES}
    wide = next(iter(leaves.values())).dtype == torch.float64
    tables = {name: one.double() if wide else one for name, one in tables.items()}
    return replace(call, **tables, **{name: leaves[name] for name in _leaves(call)})


def _frame(call: FrameGDNRaw | FrameGDNInputs, ends: tuple[Tensor, ...], resets: list[bool]) -> Problem:
    def outputs(leaves: dict[str, Tensor], backend: Backend) -> Sequence[Tensor]:
        before, after = (FrameGDNState(one[:, :, :-1], one[:, :, -1:]) for one in (leaves["before"], leaves["after"]))
        carry, made = FrameGDNCarry(before, after), _with(call, leaves)
        run = frame_gdn_raw if isinstance(made, FrameGDNRaw) else frame_gdn
        output, last = run(made, resets, EPS, carry, backend)
        return output, last.matrix, last.normalizer

    return Problem(_leaves(call) | {"before": ends[0], "after": ends[1]}, outputs)


def _camera(call: CameraGDNRaw | CameraGDNInputs, ends: tuple[Tensor, ...], resets: list[bool]) -> Problem:
    def outputs(leaves: dict[str, Tensor], backend: Backend) -> Sequence[Tensor]:
        carry, made = CameraGDNCarry(leaves["before"], leaves["after"]), _with(call, leaves)
        run = camera_gdn_raw if isinstance(made, CameraGDNRaw) else camera_gdn
        return run(made, resets, carry, backend)

    return Problem(_leaves(call) | {"before": ends[0][:, :, :-1], "after": ends[1][:, :, :-1]}, outputs)


def small_kernels(device: torch.device, dtype: torch.dtype) -> Iterator[Line]:
    """Preparation, rotation, ray transform (their tables included) and the short convolution's forms."""
    generator = torch.Generator(device).manual_seed(1)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, device=device, generator=generator)

    case, limit = str(dtype).removeprefix("torch."), LIMITS[dtype]
    leaves = {"raw": draw(1, 2, 5, 48).to(dtype), "weight": draw(48)}
    problem = Problem(leaves, lambda of, way: (prepare_features(of["raw"], of["weight"], 2, 1e-5, 0.3, way),))
    yield from compare("key_prep", case, problem, limit, 2)
    features, angle, quarter = draw(2, 2, 3, 5, 24).to(dtype), draw(3, 5, 12), draw(3, 5, 6)
    for tables in (False, True):
        fixed = {"cosine": angle.cos(), "sine": angle.sin()}
        leaves = {"features": features} | (fixed if tables else {})
        problem = Problem(leaves, partial(_moved, rotate, fixed))
        yield from compare("rotate tables" if tables else "rotate", case, problem, limit, 3)
        fixed = {"matrix": draw(2, 3, 5, 4, 4), "cosine": quarter.cos(), "sine": quarter.sin()}
        leaves = {"features": features} | (fixed if tables else {})
        problem = Problem(leaves, partial(_moved, transform_rays, fixed))
        yield from compare("transform_rays tables" if tables else "transform_rays", case, problem, limit, 4)
    forms = {
        "bidirectional": [0] * 5 + [-1] * 3,
        "causal": [0, 1, 2, 3, 4, -1, -2, -3],
        "chunks": [0, 0, 1, 1, 1, 1, 2, 2],
    }
    for form, ids in forms.items():
        leaves = {"extended": draw(2, 11, 5, 8).to(dtype), "weight": draw(8, 4).to(dtype)}
        problem = Problem(leaves, lambda of, way, ids=ids: (short_conv(of["extended"], of["weight"], ids, way),))
        yield from compare(f"short_conv {form}", case, problem, limit, 5)
    leaves = {"frames": draw(2, 5, 5, 8).to(dtype), "weight": draw(8, 4).to(dtype)}
    problem = Problem(leaves, lambda of, way: (short_conv_alone(of["frames"], of["weight"], [0, 0, 1, 1, 1], way),))
    yield from compare("short_conv alone", case, problem, limit, 6)


def _moved(
    move: Callable[..., Tensor], fixed: dict[str, Tensor], leaves: dict[str, Tensor], backend: Backend
) -> Sequence[Tensor]:
    """``move`` with each table a leaf where there is one of its name, else as given."""
    features = leaves["features"]
    wide = features.dtype == torch.float64
    tables = [leaves.get(name, one.double() if wide else one) for name, one in fixed.items()]
    return (move(features, *tables, backend),)


def check(device: torch.device, sizes: int | None = None) -> Iterator[Line]:
    """All comparisons on one device, or those of the first ``sizes`` sizes."""
    whole = device.type == "cuda"
    for dtype in (torch.float32, torch.bfloat16) if whole else (torch.float32,):
        yield from small_kernels(device, dtype)
        for index, size in enumerate((LARGE if whole else SMALL)[:sizes]):
            yield from fused(size, device, dtype, index)


def main(arguments: list[str] | None = None) -> int:
    """Run all comparisons, print a table; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, help="only the first sizes; default all")
    parser.add_argument("--json", type=Path, help="write every comparison here")
    options = parser.parse_args(arguments)
    device = checked_device()
    return 2 if device is None else report(check(device, options.sizes), options.json)


if __name__ == "__main__":
    sys.exit(main())
