"""The feed-forward's middle as a ``torch.library`` operator."""

import torch
from torch import Tensor

from kernels.backend import interpreting
from kernels.gate import Passed
from kernels.glu_conv import reference
from kernels.glu_conv.triton_glu_conv import glu_conv_kernel

COLUMNS = 5  # of a strip, as the kernel has them
CHANNELS, WARPS = 64, 1
CHECKED_DIM = 112  # it knows no heads: the released head size stands for the device


@torch.library.custom_op("sana_wm::glu_conv", mutates_args=())
def glu_conv(wide: Tensor, weight: Tensor, bias: Tensor, height: int, gated: bool) -> Tensor:
    """See ``kernels.glu_conv.api.glu_conv``."""
    if gated and not Passed.on(wide.device, CHECKED_DIM):
        return reference.glu_conv(wide, weight, bias, height).contiguous()
    return launch(wide, weight, bias, height)


@glu_conv.register_fake
def _(wide: Tensor, weight: Tensor, bias: Tensor, height: int, gated: bool) -> Tensor:  # noqa: ARG001 - the operator's schema
    return wide.new_empty(*wide.shape[:-1], wide.shape[-1] // 2)


def launch(wide: Tensor, weight: Tensor, bias: Tensor, height: int) -> Tensor:
    """Run the kernel."""
    wide = wide.contiguous()
    batch, frames, space, both = wide.shape
    channels, width = both // 2, space // height
    output = torch.empty(batch, frames, space, channels, dtype=wide.dtype, device=wide.device)
    taps = weight.reshape(both, 9).t().contiguous()  # tap by tap, so that neighbouring channels lie together
    glu_conv_kernel[-(-channels // CHANNELS), -(-width // COLUMNS), batch * frames](
        wide, taps, bias.contiguous(), output, height, width, channels,
        CHANNELS=CHANNELS, FAST=wide.dtype == torch.bfloat16 and not interpreting(), num_warps=WARPS,
    )  # fmt: skip
    return output
