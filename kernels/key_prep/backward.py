"""Gradients of feature preparation in plain PyTorch: the Triton backward's specification and its fallback."""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from kernels.affine_adjoint import wide


def prepare(
    raw: Float[Tensor, "batch frames space width"],
    weight: Float[Tensor, " width"],
    heads: int,
    eps: float,
    scale: float,
) -> Float[Tensor, "batch heads frames space head_dim"]:
    """``kernels.key_prep.reference.prepare_features`` without its rounding to the features' type."""
    features = torch.relu(_normed(wide(raw), eps) * wide(weight)) * scale
    return rearrange(features, "b t s (h d) -> b h t s d", h=heads)


def features_backward(
    raw: Float[Tensor, "batch frames space width"],
    weight: Float[Tensor, " width"],
    gradient: Float[Tensor, "batch heads frames space head_dim"],
    eps: float,
    scale: float,
) -> tuple[Float[Tensor, "batch frames space width"], Float[Tensor, " width"]]:
    """Gradients of the raw features and of the norm's weight.

    With n = x / rms and g the gradient behind the ReLU: dw = sum g n, dx = (w g - n mean(w g n)) / rms.
    """
    features, gain = wide(raw), wide(weight)
    inverse = torch.rsqrt(features.square().mean(-1, keepdim=True) + eps)
    normed = features * inverse
    behind = rearrange(wide(gradient), "b h t s d -> b t s (h d)") * scale * (normed * gain > 0)
    toward_normed = behind * gain
    shared = (toward_normed * normed).mean(-1, keepdim=True)
    return inverse * (toward_normed - normed * shared), (behind * normed).sum((0, 1, 2))


def _normed(features: Tensor, eps: float) -> Tensor:
    return features * torch.rsqrt(features.square().mean(-1, keepdim=True) + eps)
