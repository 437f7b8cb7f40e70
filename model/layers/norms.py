"""Normalization; the modulated layer norm is ``kernels.rows``."""

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
