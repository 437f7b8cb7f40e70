"""The coarse camera branch (Sec. 3.3): features moved into the rays' common world, and back (Eq. 6)."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from kernels.ray_rope import transform_rays
from model.camera.ray_frame import RayFrames
from model.layers.rope import RotaryTable

CLIP_EPS = 1e-6
INFLATION_FLOOR = 1e-12


@dataclass(frozen=True)
class CameraFeatures:
    """Queries, keys and values of the camera branch."""

    query: Float[Tensor, "batch heads frames space head_dim"]
    key: Float[Tensor, "batch heads frames space head_dim"]
    value: Float[Tensor, "batch heads frames space head_dim"]


def enter_world(features: CameraFeatures, rays: RayFrames, rotary: RotaryTable, *, clips_rms: bool) -> CameraFeatures:
    """``(D^T + RoPE) q`` and ``(D^-1 + RoPE) (k, v)`` (Eq. 6)."""
    query = transform_rays(features.query, rays.ray_from_world.mT, rotary.cosine, rotary.sine)
    key = transform_rays(features.key, rays.world_from_ray, rotary.cosine, rotary.sine)
    value = transform_rays(features.value, rays.world_from_ray, rotary.cosine, rotary.sine)
    if not clips_rms:
        return CameraFeatures(query, key, value)
    return CameraFeatures(
        _clip_rms(query, features.query), _clip_rms(key, features.key), _clip_rms(value, features.value)
    )


def leave_world(
    output: Float[Tensor, "batch heads frames space head_dim"], rays: RayFrames, rotary: RotaryTable
) -> Float[Tensor, "batch heads frames space head_dim"]:
    """``(D + RoPE^-1) o`` (Eq. 6)."""
    return transform_rays(output, rays.ray_from_world, rotary.cosine, -rotary.sine)


def key_inflation(
    before: Float[Tensor, "batch heads frames space head_dim"],
    after: Float[Tensor, "batch heads frames space head_dim"],
) -> Float[Tensor, "batch heads frames space"]:
    """How much the ray transform has grown the squared norm of each key."""
    return after.float().square().sum(-1) / before.float().square().sum(-1).clamp_min(INFLATION_FLOOR)


def discounted_gate(
    update_gate: Float[Tensor, "batch heads frames space"], inflation: Float[Tensor, "batch heads frames space"]
) -> Float[Tensor, "batch heads frames space"]:
    """The update gate divided by the frame's mean inflation where that exceeds 1, so that Eq. 5's bound survives."""
    return update_gate / inflation.mean(-1, keepdim=True).clamp_min(1.0)


def _clip_rms(after: Tensor, before: Tensor) -> Tensor:
    def rms(features: Tensor) -> Tensor:
        return torch.sqrt(features.float().square().mean(-1, keepdim=True) + CLIP_EPS)

    return (after * (rms(before) / rms(after)).clamp_max(1.0)).to(after.dtype)
