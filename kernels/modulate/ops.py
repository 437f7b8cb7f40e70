"""The modulated layer norm as a ``torch.library`` operator."""

import torch
import triton
from torch import Tensor

from kernels.gate import Passed
from kernels.modulate import reference
from kernels.modulate.triton_modulate import modulate_kernel

WARPS = 4
CHECKED_DIM = 112  # it knows no heads: the released head size stands for the device


@torch.library.custom_op("sana_wm::modulate", mutates_args=())
def modulate(tokens: Tensor, shift: Tensor, scale: Tensor, eps: float, gated: bool) -> Tensor:
    """See ``kernels.modulate.api.modulate``."""
    if gated and not Passed.on(tokens.device, CHECKED_DIM):
        return reference.modulate(tokens, shift, scale, eps).contiguous()
    return launch(tokens, shift, scale, eps)


@modulate.register_fake
def _(tokens: Tensor, shift: Tensor, scale: Tensor, eps: float, gated: bool) -> Tensor:  # noqa: ARG001 - the operator's schema
    return tokens.new_empty(tokens.shape)


def launch(tokens: Tensor, shift: Tensor, scale: Tensor, eps: float) -> Tensor:
    """Run the kernel, one program a row."""
    tokens, shift, scale = tokens.contiguous(), _by_frame(shift), _by_frame(scale)
    batch, frames, space, channels = tokens.shape
    output = torch.empty_like(tokens)
    modulate_kernel[batch * frames * space,](
        tokens, shift, scale, output, space, shift.stride(1), scale.stride(1), eps,
        CHANNELS=channels, BLOCK=triton.next_power_of_2(channels), num_warps=WARPS,
    )  # fmt: skip
    return output


def _by_frame(vectors: Tensor) -> Tensor:
    """Vectors that lie one after another at one distance over batch and frames: six of a frame often share a table."""
    batch, frames, _ = vectors.shape
    even = vectors.stride(2) == 1 and (batch == 1 or vectors.stride(0) == frames * vectors.stride(1))
    return vectors if even else vectors.contiguous()
