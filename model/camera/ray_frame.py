"""Ray-local frames of the camera branch (Eq. 6): one rigid transform per latent cell."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

NORM_EPS = 1e-6


@dataclass(frozen=True)
class RayFrames:
    """``ray_from_world`` (D of Eq. 6) and its inverse, per token: x right, y down, z along the ray."""

    ray_from_world: Float[Tensor, "batch frames space 4 4"]
    world_from_ray: Float[Tensor, "batch frames space 4 4"]


def ray_frames(camera_conditions: Float[Tensor, "batch frames 20"], height: int, width: int) -> RayFrames:
    """Frames of the rays through the centres of all latent cells, in float32.

    z = norm(d), x = norm(u x z), y = norm(z x x), with d the ray's direction and u the camera's vertical axis, both in
    world coordinates; the origin is the camera centre. A ray that is not a number gives the identity.

    Args:
        camera_conditions: see ``CameraConditioning``.
        height: of the latent grid.
        width: of the latent grid.
    """
    conditions = camera_conditions.float()
    camera_to_world = conditions[..., :16].unflatten(-1, (4, 4))
    rotation, origin = camera_to_world[..., :3, :3], camera_to_world[..., :3, 3]
    direction = pixel_directions(conditions[..., 16:], height, width) @ rotation.mT
    z_axis = _normalize(direction)
    up = rotation[..., 1][..., None, :].expand_as(z_axis)
    x_axis = _normalize(torch.linalg.cross(up, z_axis))
    y_axis = _normalize(torch.linalg.cross(z_axis, x_axis))
    world_axes = torch.stack((x_axis, y_axis, z_axis), dim=-1)
    centre = origin[..., None, :].expand_as(z_axis)
    world_from_ray = _homogeneous(world_axes, centre)
    ray_from_world = _homogeneous(world_axes.mT, -(world_axes.mT @ centre[..., None])[..., 0])
    identity = torch.eye(4, dtype=conditions.dtype, device=conditions.device)
    valid = torch.isfinite(world_from_ray).flatten(-2).all(-1)[..., None, None]
    return RayFrames(torch.where(valid, ray_from_world, identity), torch.where(valid, world_from_ray, identity))


def pixel_directions(
    intrinsics: Float[Tensor, "batch frames 4"], height: int, width: int
) -> Float[Tensor, "batch frames space 3"]:
    """Unit directions in camera axes through the pixels of a grid, row-major; pixel centres are integers."""
    focal_x, focal_y, centre_x, centre_y = (one[..., None] for one in intrinsics.unbind(-1))
    rows, columns = torch.meshgrid(
        torch.arange(height, dtype=intrinsics.dtype, device=intrinsics.device),
        torch.arange(width, dtype=intrinsics.dtype, device=intrinsics.device),
        indexing="ij",
    )
    x = (columns.flatten() - centre_x) / focal_x
    y = (rows.flatten() - centre_y) / focal_y
    direction = torch.stack((x, y, torch.ones_like(x)), dim=-1)
    return direction / direction.norm(dim=-1, keepdim=True)


def _normalize(vector: Float[Tensor, "... 3"]) -> Float[Tensor, "... 3"]:
    return vector / vector.norm(dim=-1, keepdim=True).clamp_min(NORM_EPS)


def _homogeneous(rotation: Float[Tensor, "... 3 3"], translation: Float[Tensor, "... 3"]) -> Float[Tensor, "... 4 4"]:
    upper = torch.cat((rotation, translation[..., None]), dim=-1)
    # Made on the device: a CUDA graph may not copy from the host.
    bottom = torch.eye(4, dtype=upper.dtype, device=upper.device)[3:].expand(*upper.shape[:-2], 1, 4)
    return torch.cat((upper, bottom), dim=-2)
