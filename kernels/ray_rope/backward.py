"""Gradients of rotation and ray transform in plain PyTorch, those of their tables included (Eq. 6)."""

from dataclasses import dataclass

import torch
from einops import einsum, rearrange
from jaxtyping import Float
from torch import Tensor

from kernels.affine_adjoint import wide


@dataclass(frozen=True)
class RotationGradients:
    """Gradients of rotated features and of the angles' cosines and sines."""

    features: Float[Tensor, "batch heads frames space channels"]
    cosine: Float[Tensor, "frames space pairs"]
    sine: Float[Tensor, "frames space pairs"]


@dataclass(frozen=True)
class RayGradients:
    """Gradients of ray-transformed features, of the matrices, and of the other half's angles."""

    features: Float[Tensor, "batch heads frames space channels"]
    matrix: Float[Tensor, "batch frames space 4 4"]
    cosine: Float[Tensor, "frames space quarter"]
    sine: Float[Tensor, "frames space quarter"]


def rotate_wide(features: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """``kernels.ray_rope.reference.rotate`` without its rounding to the features' type."""
    even, odd = features[..., 0::2], features[..., 1::2]
    return torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), -1).flatten(-2)


def rotate_backward(
    features: Float[Tensor, "batch heads frames space channels"],
    cosine: Float[Tensor, "frames space pairs"],
    sine: Float[Tensor, "frames space pairs"],
    gradient: Float[Tensor, "batch heads frames space channels"],
) -> RotationGradients:
    """Turn back; a table's gradient is summed over batch and heads."""
    even, odd = features[..., 0::2], features[..., 1::2]
    toward_even, toward_odd = gradient[..., 0::2], gradient[..., 1::2]
    return RotationGradients(
        rotate_wide(gradient, cosine, -sine),
        (toward_even * even + toward_odd * odd).sum((0, 1)),
        (toward_odd * even - toward_even * odd).sum((0, 1)),
    )


def transform_wide(features: Tensor, matrix: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """``kernels.ray_rope.reference.transform_rays`` without its rounding to the features' type."""
    half = features.shape[-1] // 2
    moved = (_groups(features[..., :half]) @ matrix[:, None].mT).flatten(-2)
    return torch.cat((moved, rotate_wide(features[..., half:], cosine, sine)), -1)


def transform_backward(
    features: Float[Tensor, "batch heads frames space channels"],
    matrix: Float[Tensor, "batch frames space 4 4"],
    cosine: Float[Tensor, "frames space quarter"],
    sine: Float[Tensor, "frames space quarter"],
    gradient: Float[Tensor, "batch heads frames space channels"],
) -> RayGradients:
    """The transposed matrix on the first half, the opposite rotation on the second."""
    half = features.shape[-1] // 2
    toward = _groups(gradient[..., :half])
    turned = rotate_backward(features[..., half:], cosine, sine, gradient[..., half:])
    back = (toward @ matrix[:, None]).flatten(-2)
    outer = einsum(toward, _groups(features[..., :half]), "b h t s g i, b h t s g j -> b t s i j")
    return RayGradients(torch.cat((back, turned.features), -1), outer, turned.cosine, turned.sine)


def tables_wide(*tables: Tensor) -> tuple[Tensor, ...]:
    """Tables in the precision that gradients are computed in."""
    return tuple(wide(table) for table in tables)


def _groups(half: Tensor) -> Tensor:
    return rearrange(half, "b h t s (g c) -> b h t s g c", c=4)
