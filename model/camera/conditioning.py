"""From a raw camera path to what the backbone is conditioned on."""

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from model.camera.raymap import RAW_FRAMES_PER_LATENT, pack_raymap, plucker_raymap
from model.types import CameraConditioning


def prepare_camera(
    camera_to_world: Float[ndarray, "raw_frames 4 4"],
    intrinsics: Float[ndarray, "raw_frames 4"],
    image_size: tuple[int, int],
    latent_size: tuple[int, int],
) -> CameraConditioning:
    """Both camera inputs of one clip, computed in float64 and returned in float32 with a batch axis of 1.

    Poses become relative to frame 0, their metric scale is kept. Latent frame t takes the pose of raw frame 8t.

    Args:
        camera_to_world: OpenCV axes, metres, any world frame.
        intrinsics: fx fy cx cy in pixels of ``image_size``, pixel centres at integers.
        image_size: height and width of the raw frames.
        latent_size: height and width of the latent grid.

    Raises:
        ValueError: if the two do not have one row per frame.
    """
    if camera_to_world.shape[1:] != (4, 4) or intrinsics.shape != (len(camera_to_world), 4):
        raise ValueError(
            f"poses {camera_to_world.shape} and intrinsics {intrinsics.shape} must be (F, 4, 4) and (F, 4)"
        )
    poses = torch.from_numpy(np.asarray(camera_to_world, dtype=np.float64))
    relative = relative_to_first(poses)
    lenses = torch.from_numpy(np.asarray(intrinsics, dtype=np.float64)) * _grid_scale(image_size, latent_size)
    latent_frames = (len(relative) - 1) // RAW_FRAMES_PER_LATENT + 1
    sampled = torch.arange(latent_frames) * RAW_FRAMES_PER_LATENT
    conditions = torch.cat((relative[sampled].flatten(1), lenses[sampled]), dim=1)
    packed = pack_raymap(plucker_raymap(relative, lenses, *latent_size), latent_frames)
    return CameraConditioning(conditions.float()[None], packed.float()[None])


def relative_to_first(camera_to_world: Float[Tensor, "frames 4 4"]) -> Float[Tensor, "frames 4 4"]:
    """``inv(T_0) T_t``; the first pose is exactly the identity."""
    relative = torch.linalg.inv(camera_to_world[:1]) @ camera_to_world
    relative[0] = torch.eye(4, dtype=relative.dtype)
    return relative


def _grid_scale(image_size: tuple[int, int], latent_size: tuple[int, int]) -> Float[Tensor, " 4"]:
    vertical, horizontal = latent_size[0] / image_size[0], latent_size[1] / image_size[1]
    return torch.tensor([horizontal, vertical, horizontal, vertical], dtype=torch.float64)
