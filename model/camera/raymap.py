"""Pluecker raymaps of raw frames, packed eight to a latent frame (Sec. 3.3, fine branch)."""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from model.camera.ray_frame import pixel_directions

RAW_FRAMES_PER_LATENT = 8


def plucker_raymap(
    camera_to_world: Float[Tensor, "frames 4 4"], intrinsics: Float[Tensor, "frames 4"], height: int, width: int
) -> Float[Tensor, "frames height width 6"]:
    """``(d, o x d)`` of every pixel's ray: d the unit direction and o the camera centre, in world coordinates.

    Args:
        camera_to_world: OpenCV axes.
        intrinsics: fx fy cx cy in pixels of the raymap.
        height: of the raymap.
        width: of the raymap.
    """
    rotation, origin = camera_to_world[:, :3, :3], camera_to_world[:, :3, 3]
    direction = pixel_directions(intrinsics, height, width) @ rotation.mT
    moment = torch.linalg.cross(origin[:, None].expand_as(direction), direction)
    return rearrange(torch.cat((direction, moment), dim=-1), "f (h w) c -> f h w c", h=height)


def packed_raw_frames(raw_frames: int, latent_frames: int) -> list[list[int]]:
    """The eight raw frames behind each latent frame, the last raw frame repeated beyond the end.

    Latent frame 0 packs raw frames 0..7 and latent frame t packs 8t-7..8t, as in the released code.
    """
    span = range(RAW_FRAMES_PER_LATENT)
    firsts = (max(0, RAW_FRAMES_PER_LATENT * latent - 7) for latent in range(latent_frames))
    return [[min(first + offset, raw_frames - 1) for offset in span] for first in firsts]


def pack_raymap(
    raymap: Float[Tensor, "raw_frames height width 6"], latent_frames: int
) -> Float[Tensor, "48 latent_frames height width"]:
    """Stack the raymaps of each latent frame's raw frames: channel = raw frame in the group * 6 + component."""
    groups = torch.tensor(packed_raw_frames(raymap.shape[0], latent_frames), device=raymap.device)
    return rearrange(raymap[groups], "t g h w c -> (g c) t h w")
