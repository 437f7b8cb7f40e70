"""A road between hedges with a hill far ahead, seen by a level camera of known motion, texture at every distance."""

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np

CAMERA_HEIGHT, HEDGE = 1.5, 6.0  # metres above the road; to either side
TEXELS = 32.0  # a metre, next to the camera
SIZE = 1024  # texels a side, repeated by reflection
LEVELS = 9  # halvings of the texture, so that what is far away is neither flat nor flickers


def film_road(
    place: Callable[[float], tuple[float, float]],
    yaw: Callable[[float], float],
    frames: int = 25,
    fps: float = 16.0,
    hill: float = 150.0,
    size: tuple[int, int] = (192, 320),
) -> np.ndarray:
    """RGB frames of a camera with a focal length of one picture width.

    Args:
        place: seconds to (right, forward), metres.
        yaw: seconds to the turn to the right, rad.
        frames: how many.
        fps: frame rate.
        hill: metres to what closes the view at second 0.
        size: (height, width), pixels.
    """
    textures = [_pyramid(seed) for seed in range(3)]
    return np.stack([_draw(place(i / fps), yaw(i / fps), hill, size, textures) for i in range(frames)])


def _draw(
    place: tuple[float, float], yaw: float, hill: float, size: tuple[int, int], textures: list[list[np.ndarray]]
) -> np.ndarray:
    height, width = size
    v, u = np.mgrid[:height, :width]
    across, down = (u - (width - 1) / 2) / width, (v - (height - 1) / 2) / width
    right, forward = across * np.cos(yaw) + np.sin(yaw), np.cos(yaw) - across * np.sin(yaw)
    with np.errstate(divide="ignore"):
        to_hedge = (np.sign(right) * HEDGE - place[0]) / right
        reach = np.stack([CAMERA_HEIGHT / down, to_hedge, (hill - place[1]) / forward])
    reach[(reach < 0) | ~np.isfinite(reach)] = np.inf
    over = reach[1] * down < -0.5  # above the hedge's top, half a meter above the eye
    reach[1, over] = np.inf
    surface, reach = reach.argmin(axis=0), reach.min(axis=0)
    x, y, z = place[0] + reach * right, reach * down, place[1] + reach * forward
    painted = [_paint(*part, reach / width) for part in zip(textures, (x, y, x), (z, z, y), strict=True)]
    gray = np.clip(np.round(np.choose(surface, painted)), 0, 255).astype(np.uint8)
    return np.repeat(gray[..., None], 3, axis=-1)


def _paint(pyramid: list[np.ndarray], first: np.ndarray, second: np.ndarray, footprint: np.ndarray) -> np.ndarray:
    """Luma at places in metres, from the level whose texels are as large as a pixel, ``footprint`` metres."""
    level = np.clip(np.round(np.log2(np.maximum(footprint * TEXELS, 1))), 0, LEVELS - 1).astype(int)
    painted: list[np.ndarray] = []
    for index, texture in enumerate(pyramid):
        places = [((axis * TEXELS + SIZE / 2 + 0.5) / 2**index - 0.5).astype(np.float32) for axis in (first, second)]
        painted.append(cv2.remap(texture, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))
    return np.choose(level, painted)


@cache
def _pyramid(seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    image = np.zeros((SIZE, SIZE), np.float32)
    for cells in (8, 32, 128, 512):
        image += cv2.resize(rng.random((cells, cells)).astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    levels = [255 * (image - image.min()) / np.ptp(image)]
    while len(levels) < LEVELS:
        levels.append(cv2.pyrDown(levels[-1]))
    return levels
