"""Normalization and modulation."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """``x / rms(x) * weight`` over all channels (all heads together), computed in float32."""

    def __init__(self, channels: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.eps = eps

    def forward(self, inputs: Float[Tensor, "... channels"]) -> Float[Tensor, "... channels"]:
        """Normalize the last dimension."""
        wide = inputs.float()
        normed = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        return (normed * self.weight.float()).to(inputs.dtype)


def modulate(
    tokens: Float[Tensor, "batch frames space channels"],
    shift: Float[Tensor, "batch frames channels"],
    scale: Float[Tensor, "batch frames channels"],
    eps: float,
) -> Float[Tensor, "batch frames space channels"]:
    """Layer norm without affine, then ``x (1 + scale) + shift`` with one vector per frame."""
    normed = nn.functional.layer_norm(tokens, tokens.shape[-1:], eps=eps)
    return normed * (1 + scale[:, :, None]) + shift[:, :, None]
