"""Launching the way back through feature preparation."""

import torch
from jaxtyping import Float
from torch import Tensor

from kernels.key_prep.triton_backward import features_backward_kernel
from kernels.launch import as_rows, token_strides, with_unit_channels

PROGRAMS = 1056  # eight a processor of a Hopper GPU; each keeps its own sum of the weight's gradient


def features_backward(
    raw: Float[Tensor, "batch frames space width"],
    weight: Float[Tensor, " width"],
    gradient: Float[Tensor, "batch heads frames space head_dim"],
    eps: float,
    scale: float,
) -> tuple[Float[Tensor, "batch frames space width"], Float[Tensor, " width"]]:
    """Gradients of raw features and of the weight, from that of the prepared features (or of what is behind ReLU)."""
    raw = as_rows(raw)
    output = torch.empty(raw.shape, dtype=raw.dtype, device=raw.device)
    return output, _launch(raw, weight, with_unit_channels(gradient), output, (eps, scale))


def features_backward_in_place(
    raw: Float[Tensor, "batch frames space width"],
    weight: Float[Tensor, " width"],
    gradient: Float[Tensor, "batch frames space heads head_dim"],
    eps: float,
) -> tuple[Float[Tensor, "batch frames space width"], Float[Tensor, " width"]]:
    """The same from a contiguous gradient behind the ReLU, scale included, which is overwritten and returned."""
    partial = _launch(as_rows(raw), weight, gradient.permute(0, 3, 1, 2, 4), gradient, (eps, 1.0))
    return gradient.flatten(-2), partial


def _launch(raw: Tensor, weight: Tensor, gradient: Tensor, output: Tensor, scalars: tuple[float, float]) -> Tensor:
    _, _, frames, space, dim = gradient.shape
    tokens, width = raw[..., 0].numel(), raw.shape[-1]
    share = -(-tokens // PROGRAMS)
    programs = -(-tokens // share)
    partial = torch.empty(programs, width, device=raw.device)
    features_backward_kernel[programs,](
        raw, weight, gradient, output, partial, raw.stride(2), *token_strides(gradient), tokens, frames, space, share,
        *scalars, WIDTH=width, DIM=dim, COLUMNS=1 << (width - 1).bit_length(), num_warps=8,
    )  # fmt: skip
    return partial.sum(0)
