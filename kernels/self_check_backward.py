"""Gradients of a small random problem, from the fused backward and from plain PyTorch, on the device at hand."""

from dataclasses import replace

import torch
from torch import Tensor

from kernels.camera_gdn import autograd as camera_autograd
from kernels.frame_gdn import autograd as frame_autograd
from kernels.problems import CallSize, random_camera, random_frame
from kernels.self_check import relative_error


def largest_gradient_error(device: torch.device, dim: int) -> float:
    """The largest relative error of any gradient in bfloat16, on a size off the tile grid, with a reset."""
    size, resets = CallSize(1, 2, 3, 37, dim), [False, True, False]
    generator = torch.Generator(device).manual_seed(0)
    shape = (size.batch, size.frames, size.space, size.heads, dim)
    output = torch.randn(shape, device=device, generator=generator).bfloat16()
    last = torch.zeros(size.batch, size.heads, dim + 1, dim, device=device)
    frame, camera = random_frame(size, device, torch.bfloat16, 0), random_camera(size, device, torch.bfloat16, 0)
    wide_frame = replace(frame, query=frame.query.float(), key=frame.key.float(), value=frame.value.float())
    wide_camera = replace(camera, query=camera.query.float(), key=camera.key.float(), value=camera.value.float())
    with torch.no_grad():
        pairs = [
            (
                frame_autograd.fused_raw(frame, resets, 1e-8, (None, None), (output, last)),
                frame_autograd.plain_raw(wide_frame, resets, 1e-8, (None, None), (output.float(), last)),
            ),
            (
                camera_autograd.fused_raw(camera, resets, (None, None), (output, last[:, :, :-1])),
                camera_autograd.plain_raw(wide_camera, resets, (None, None), (output.float(), last[:, :, :-1])),
            ),
        ]
    return max(_error(mine, theirs) for mine, theirs in pairs)


def _error(mine: list[Tensor | None], theirs: list[Tensor | None]) -> float:
    both = [(one, other) for one, other in zip(mine, theirs, strict=True) if one is not None and other is not None]
    return max(relative_error(one, other) for one, other in both)
