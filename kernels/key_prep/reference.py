"""Feature preparation as its equation (Eq. 5 and the line above Eq. 4)."""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor


def prepare_features(
    raw: Float[Tensor, "batch frames space width"],
    weight: Float[Tensor, " width"],
    heads: int,
    eps: float,
    scale: float,
) -> Float[Tensor, "batch heads frames space head_dim"]:
    """See ``kernels.key_prep.api.prepare_features``."""
    wide = raw.float()
    normed = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps) * weight.float()
    features = torch.relu(normed) * scale
    split = rearrange(features, "b f s (h d) -> b h f s d", h=heads)
    return split.to(raw.dtype)
