"""Rotation and ray transform as their equations (Eq. 6)."""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor


def rotate(
    features: Float[Tensor, "batch heads frames space head_dim"],
    cosine: Float[Tensor, "frames space pairs"],
    sine: Float[Tensor, "frames space pairs"],
) -> Float[Tensor, "batch heads frames space head_dim"]:
    """See ``kernels.ray_rope.api.rotate``."""
    even, odd = features.float()[..., 0::2], features.float()[..., 1::2]
    turned = torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), dim=-1)
    return turned.flatten(-2).to(features.dtype)


def transform_rays(
    features: Float[Tensor, "batch heads frames space head_dim"],
    matrix: Float[Tensor, "batch frames space 4 4"],
    cosine: Float[Tensor, "frames space quarter"],
    sine: Float[Tensor, "frames space quarter"],
) -> Float[Tensor, "batch heads frames space head_dim"]:
    """See ``kernels.ray_rope.api.transform_rays``."""
    half = features.shape[-1] // 2
    geometric = rearrange(features[..., :half].float(), "b h f s (g c) -> b h f s g c", c=4)
    moved = (geometric @ matrix.float()[:, None].mT).flatten(-2)
    return torch.cat((moved.to(features.dtype), rotate(features[..., half:], cosine, sine)), dim=-1)
