"""The short convolution as a ``torch.library`` operator."""

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
    batch, extended_frames, space, channels = extended.shape
    frames = extended_frames - 2 * (TAPS - 1)
    if not extended[0, 0].is_contiguous():
        extended = extended.contiguous()
    output = torch.empty(batch, frames, space, channels, dtype=extended.dtype, device=extended.device)
    sight = later_frames_seen(tuple(chunk_ids), frames, extended.device)
    places = space * channels
    short_conv_kernel[-(-places // BLOCK), batch](
        extended, weight.contiguous(), sight, output, extended.stride(0), extended.stride(1), frames, extended_frames,
        places, channels, BLOCK=BLOCK, num_warps=4,
    )  # fmt: skip
    return output


@_short_conv.register_fake
def _(extended: Tensor, weight: Tensor, chunk_ids: list[int], gated: bool) -> Tensor:  # noqa: ARG001 - the operator's schema
    batch, frames, space, channels = extended.shape
    return extended.new_empty(batch, frames - 2 * (weight.shape[1] - 1), space, channels)


def short_conv(extended: Tensor, weight: Tensor, chunk_ids: Sequence[int], *, gated: bool) -> Tensor:
    """See ``kernels.short_conv.api.short_conv``."""
    return _short_conv(extended, weight, list(chunk_ids), gated)


autograd.register(_short_conv)
