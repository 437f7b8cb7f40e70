"""A small room with exact cameras: three textured planes drawn by ray casting, fast enough for a test."""

from dataclasses import dataclass

import cv2
import numpy as np

from model.geometry.intrinsics import unproject
from model.geometry.rotations import rotation_exp
from model.geometry.se3 import relative_to_first, rigid

# Unit normal, offset (normal . x = offset) and the two in-plane axes of the back wall, the floor and the left wall.
PLANES = (
    (np.array([0.0, 0, 1]), 4.0, (0, 1)),
    (np.array([0.0, 1, 0]), 1.2, (0, 2)),
    (np.array([-1.0, 0, 0]), 2.2, (2, 1)),
    (np.array([0.3, 0, 0.954]), 2.6, (0, 1)),
)
TEXELS = 60.0  # a metre


@dataclass(frozen=True)
class Shot:
    """Rendered frames with their exact cameras (metres, relative to frame 0) and depth maps."""

    frames: np.ndarray
    camera_to_world: np.ndarray
    intrinsics: np.ndarray
    depth: np.ndarray


def gentle_path(frames: int, length: float = 1.2) -> np.ndarray:
    """A curved sideways walk that looks about a little."""
    progress = np.linspace(0, 1, frames)
    centres = np.stack([length * (progress - 0.5), 0.12 * np.sin(4 * progress), 0.5 * progress**2 * length], axis=-1)
    turns = np.stack([0.05 * np.sin(3 * progress), 0.25 * (0.5 - progress), 0.02 * np.cos(5 * progress)], axis=-1)
    return rigid(rotation_exp(turns), centres)


def film_room(camera_to_world: np.ndarray, focal: np.ndarray, size: tuple[int, int] = (96, 160), seed: int = 0) -> Shot:
    """Render every frame at twice the size and shrink it."""
    rng = np.random.default_rng(seed)
    textures = [_texture(rng) for _ in PLANES]
    height, width = size
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    intrinsics = np.concatenate([np.stack([focal, focal], -1), np.tile(centre, (len(focal), 1))], axis=-1)
    drawn = [_draw(pose, lens, size, textures) for pose, lens in zip(camera_to_world, intrinsics, strict=True)]
    frames, depth = (np.stack(part) for part in zip(*drawn, strict=True))
    return Shot(frames, relative_to_first(camera_to_world), intrinsics, depth)


def _texture(rng: np.random.Generator) -> np.ndarray:
    image = np.zeros((1024, 1024, 3), np.float32)
    for cells in (16, 64, 128, 256):
        image += cv2.resize(
            rng.random((cells, cells, 3)).astype(np.float32), (1024, 1024), interpolation=cv2.INTER_CUBIC
        )
    return 255 * (image - image.min()) / np.ptp(image)


def _draw(
    pose: np.ndarray, lens: np.ndarray, size: tuple[int, int], textures: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    height, width = size
    v, u = np.meshgrid((np.arange(2 * height) + 0.5) / 2 - 0.5, (np.arange(2 * width) + 0.5) / 2 - 0.5, indexing="ij")
    pixels = np.stack([u, v], axis=-1).reshape(-1, 2)
    rays = unproject(pixels, np.ones(len(pixels)), lens) @ pose[:3, :3].T
    origin = pose[:3, 3]
    nearest = np.full(len(rays), np.inf)
    color = np.zeros((len(rays), 3), np.float32)
    for (normal, offset, axes), texture in zip(PLANES, textures, strict=True):
        along = rays @ normal
        distance = (offset - origin @ normal) / np.where(np.abs(along) < 1e-9, 1e-9, along)
        points = origin + distance[:, None] * rays
        seen = (distance > 0.05) & (distance < nearest)
        if offset == 2.6:  # a board that stands in the room
            seen &= (np.abs(points[:, 0] - 0.6) < 0.5) & (points[:, 1] > -0.2)
        place = (points[:, axes].astype(np.float32) * TEXELS + 512).reshape(2 * height, 2 * width, 2)
        paint = cv2.remap(texture, place, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT).reshape(-1, 3)
        color[seen], nearest[seen] = paint[seen], distance[seen]
    image = cv2.resize(color.reshape(2 * height, 2 * width, 3), (width, height), interpolation=cv2.INTER_AREA)
    depth = nearest.reshape(2 * height, 2 * width)
    blocks = depth.reshape(height, 2, width, 2).mean(axis=(1, 3))
    return np.clip(np.round(image), 0, 255).astype(np.uint8), blocks
