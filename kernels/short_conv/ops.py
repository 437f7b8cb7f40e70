"""The short convolution as ``torch.library`` operators: with its neighbours given, and of a whole sequence."""

from collections.abc import Sequence

import torch
from torch import Tensor

from kernels.gate import Passed
from kernels.short_conv import autograd, reference
from kernels.short_conv.sight import TAPS, later_frames_seen
from kernels.short_conv.triton_short_conv import short_conv_kernel

BLOCK = 1024
CHECKED_DIM = 112  # the convolution knows no heads: the released head size stands for the device


@torch.library.custom_op("sana_wm::short_conv", mutates_args=())
def _short_conv(extended: Tensor, weight: Tensor, chunk_ids: list[int], gated: bool) -> Tensor:
    if weight.shape[1] != TAPS or (gated and not Passed.on(extended.device, CHECKED_DIM)):
        return reference.short_conv(extended, weight, chunk_ids)
    return _launch(extended, weight, tuple(chunk_ids), TAPS - 1)


@_short_conv.register_fake
def _(extended: Tensor, weight: Tensor, chunk_ids: list[int], gated: bool) -> Tensor:  # noqa: ARG001 - the operator's schema
    batch, frames, space, channels = extended.shape
    return extended.new_empty(batch, frames - 2 * (weight.shape[1] - 1), space, channels)


@torch.library.custom_op("sana_wm::short_conv_alone", mutates_args=())
def _alone(frames: Tensor, weight: Tensor, chunk_ids: list[int], gated: bool) -> Tensor:
    if weight.shape[1] != TAPS or (gated and not Passed.on(frames.device, CHECKED_DIM)):
        return reference.short_conv(*reference.with_zeros(frames, weight, chunk_ids))
    return _launch(frames, weight, (*chunk_ids, *[-1] * (TAPS - 1)), 0)


@_alone.register_fake
def _(frames: Tensor, weight: Tensor, chunk_ids: list[int], gated: bool) -> Tensor:  # noqa: ARG001 - the operator's schema
    return frames.new_empty(frames.shape)


def _launch(inputs: Tensor, weight: Tensor, chunk_ids: tuple[int, ...], before: int) -> Tensor:
    """Run the kernel on inputs that begin ``before`` frames before the first output and end as many after the last."""
    if inputs.stride(-1) != 1:
        inputs = inputs.contiguous()
    batch, in_frames, space, channels = inputs.shape
    frames, places = in_frames - 2 * before, space * channels
    output = torch.empty(batch, frames, space, channels, dtype=inputs.dtype, device=inputs.device)
    sight = later_frames_seen(chunk_ids, frames, inputs.device)
    short_conv_kernel[-(-places // BLOCK), batch](
        inputs, weight.contiguous(), sight, output, *inputs.stride()[:3], frames, in_frames, before, places, channels,
        BLOCK=BLOCK, num_warps=4,
    )  # fmt: skip
    return output


def short_conv(extended: Tensor, weight: Tensor, chunk_ids: Sequence[int], *, gated: bool) -> Tensor:
    """See ``kernels.short_conv.api.short_conv``."""
    return _short_conv(extended, weight, list(chunk_ids), gated)


def short_conv_alone(frames: Tensor, weight: Tensor, chunk_ids: Sequence[int], *, gated: bool) -> Tensor:
    """See ``kernels.short_conv.api.short_conv_alone``."""
    return _alone(frames, weight, list(chunk_ids), gated)


autograd.register(_short_conv, _alone)
