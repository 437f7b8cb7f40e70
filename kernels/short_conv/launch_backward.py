"""Launching the short convolution's gradients."""

import torch
from jaxtyping import Float, Int32
from torch import Tensor

from kernels.short_conv.triton_backward import short_conv_backward_kernel

BLOCK = 512


def short_conv_backward(
    extended: Float[Tensor, "batch extended_frames space channels"],
    weight: Float[Tensor, "channels taps"],
    sight: Int32[Tensor, " frames"],
    gradient: Float[Tensor, "batch frames space channels"],
) -> tuple[Float[Tensor, "batch extended_frames space channels"], Float[Tensor, "channels taps"]]:
    """Gradients of frames and weight; ``sight`` counts the later frames that each frame may see."""
    batch, extended_frames, space, channels = extended.shape
    if not extended[0, 0].is_contiguous():
        extended = extended.contiguous()
    places, frames = space * channels, gradient.shape[1]
    output = torch.empty(extended.shape, dtype=extended.dtype, device=extended.device)
    taps = torch.empty(batch, space, channels, 4, device=extended.device)
    short_conv_backward_kernel[-(-places // BLOCK), batch](
        extended, weight.contiguous(), sight, gradient.contiguous(), output, taps, extended.stride(0),
        extended.stride(1), frames, extended_frames, places, channels, BLOCK=BLOCK, num_warps=4,
    )  # fmt: skip
    return output, taps.sum((0, 1))
