"""Seeded random calls of the fused kernels, for the self-check, ``kernels.check`` and ``kernels.bench``."""

from dataclasses import dataclass

import torch
from torch import Tensor

from kernels.camera_gdn.types import CameraGDNRaw
from kernels.frame_gdn.types import FrameGDNRaw

NORM_EPS = 1e-5


@dataclass(frozen=True)
class CallSize:
    """Sizes of one call."""

    batch: int
    heads: int
    frames: int
    space: int
    dim: int

    @property
    def tokens(self) -> int:
        """Tokens of one sample."""
        return self.frames * self.space

    @property
    def width(self) -> int:
        """Channels of a token."""
        return self.heads * self.dim


@dataclass(frozen=True)
class _Draw:
    device: torch.device
    generator: torch.Generator

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, device=self.device, generator=self.generator)

    def uniform(self, *shape: int) -> Tensor:
        return torch.rand(shape, device=self.device, generator=self.generator)


def _draw(device: torch.device, seed: int) -> _Draw:
    return _Draw(device, torch.Generator(device).manual_seed(seed))


def _common(size: CallSize, draw: _Draw, dtype: torch.dtype) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Slices of one Gaussian projection, norm weights near 1, gates over their whole range."""
    projection = draw.normal(size.batch, size.frames, size.space, 3 * size.width).to(dtype)
    weights = [1 + 0.1 * draw.normal(size.width) for _ in range(2)]
    gate = draw.uniform(size.batch, size.heads, size.frames, size.space)
    decay = torch.exp(-0.2 * draw.uniform(size.batch, size.heads, size.frames))
    return list(projection.chunk(3, -1)), weights, [gate, decay]


def random_frame(size: CallSize, device: torch.device, dtype: torch.dtype, seed: int) -> FrameGDNRaw:
    """A main-branch call."""
    draw = _draw(device, seed)
    features, weights, gates = _common(size, draw, dtype)
    angle = 6.3 * draw.uniform(size.frames, size.space, size.dim // 2)
    scale = float((size.dim * size.space) ** -0.5)
    return FrameGDNRaw(*features, *weights, angle.cos(), angle.sin(), *gates, NORM_EPS, scale)


def random_camera(size: CallSize, device: torch.device, dtype: torch.dtype, seed: int) -> CameraGDNRaw:
    """A camera-branch call; the ray frames are rigid motions up to three units from the origin."""
    draw = _draw(device, seed)
    features, weights, gates = _common(size, draw, dtype)
    angle = 6.3 * draw.uniform(size.frames, size.space, size.dim // 4)
    rays = _rigid_motions(draw, size)
    scale = float((size.dim * size.space) ** -0.5)
    return CameraGDNRaw(*features, *weights, *rays, angle.cos(), angle.sin(), *gates, NORM_EPS, scale)


def _rigid_motions(draw: _Draw, size: CallSize) -> tuple[Tensor, Tensor]:
    """Random ``ray_from_world`` and its exact inverse: rotations from unit quaternions, Gaussian centres."""
    quaternion = torch.nn.functional.normalize(draw.normal(size.batch, size.frames, size.space, 4), dim=-1)
    w, x, y, z = quaternion.unbind(-1)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    rotation = torch.stack([torch.stack(row, -1) for row in rows], -2)
    centre = draw.normal(size.batch, size.frames, size.space, 3, 1)
    world_from_ray = torch.eye(4, device=draw.device).repeat(size.batch, size.frames, size.space, 1, 1)
    ray_from_world = world_from_ray.clone()
    world_from_ray[..., :3, :] = torch.cat((rotation, centre), -1)
    ray_from_world[..., :3, :] = torch.cat((rotation.mT, -rotation.mT @ centre), -1)
    return ray_from_world, world_from_ray
