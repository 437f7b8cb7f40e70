"""A small random problem through both fused kernels and their references, on the device that would run them."""

from dataclasses import replace

import torch
from torch import Tensor

from kernels.camera_gdn.types import CameraGDNCarry
from kernels.frame_gdn.types import FrameGDNCarry
from kernels.problems import CallSize, random_camera, random_frame


def relative_error(actual: Tensor, expected: Tensor) -> float:
    """``|actual - expected| / |expected|``; infinite where anything is not finite."""
    actual, expected = actual.double(), expected.double()
    size = expected.norm().clamp_min(torch.finfo(torch.float64).tiny)
    ratio = float((actual - expected).norm() / size)
    return ratio if torch.isfinite(actual).all() else float("inf")


def largest_error(device: torch.device, dim: int) -> float:
    """The larger relative error of the two kernels in bfloat16, on a size off the tile grid, with a reset."""
    from kernels.camera_gdn import ops as camera_ops
    from kernels.camera_gdn import reference as camera_reference
    from kernels.frame_gdn import ops as frame_ops
    from kernels.frame_gdn import reference as frame_reference

    size, resets = CallSize(1, 2, 3, 37, dim), [False, True, False]
    frame, camera = random_frame(size, device, torch.bfloat16, 0), random_camera(size, device, torch.bfloat16, 0)
    wide_frame = replace(frame, query=frame.query.float(), key=frame.key.float(), value=frame.value.float())
    wide_camera = replace(camera, query=camera.query.float(), key=camera.key.float(), value=camera.value.float())
    with torch.no_grad():
        ours, _ = frame_ops.frame_gdn_raw(frame, resets, 1e-8, FrameGDNCarry(), gated=False)
        theirs, _ = frame_reference.frame_gdn(frame_reference.prepare(wide_frame), resets, 1e-8, FrameGDNCarry())
        error = relative_error(ours, theirs)
        ours, _ = camera_ops.camera_gdn_raw(camera, resets, CameraGDNCarry(), gated=False)
        theirs, _ = camera_reference.camera_gdn_raw(wide_camera, resets, CameraGDNCarry())
        return max(error, relative_error(ours, theirs))
