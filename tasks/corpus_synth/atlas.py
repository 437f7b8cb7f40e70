"""One texture image per scene, packed from patches, with a half-octave pyramid for filtered reading."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

LEVELS = 11
GUTTER = 12


@dataclass(frozen=True)
class Atlas:
    """A texture and its pyramid, stacked into one image so that one remap reads all levels.

    Attributes:
        stacked: the levels one under another, RGB.
        scale_x, scale_y: size of each level over the size of level 0.
        offset: first row of each level.
    """

    stacked: UInt8[np.ndarray, "rows width 3"]
    scale_x: Float32[np.ndarray, "levels"]
    scale_y: Float32[np.ndarray, "levels"]
    offset: Float32[np.ndarray, "levels"]


def build_pyramid(base: UInt8[np.ndarray, "height width 3"]) -> Atlas:
    """Shrink by 1/sqrt(2) per level: every level is made from the one two above it by area averaging.

    Height and width should be multiples of 32, so that whole octaves average 2 x 2 texels exactly.
    """
    height, width = base.shape[:2]
    levels = [base]
    for level in range(1, LEVELS):
        factor = 2.0 ** (-level / 2)
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        method = cv2.INTER_LINEAR if level == 1 else cv2.INTER_AREA
        levels.append(cv2.resize(levels[max(0, level - 2)], size, interpolation=method))
    offsets = np.cumsum([0] + [image.shape[0] for image in levels])
    stacked = np.zeros((offsets[-1], width, 3), np.uint8)
    for image, offset in zip(levels, offsets, strict=False):
        stacked[offset : offset + image.shape[0], : image.shape[1]] = image
    return Atlas(
        stacked=stacked,
        scale_x=np.array([image.shape[1] / width for image in levels], np.float32),
        scale_y=np.array([image.shape[0] / height for image in levels], np.float32),
        offset=offsets[:-1].astype(np.float32),
    )


class ShelfPacker:
    """Gives each patch a place of its own in a texture of fixed width: rows of patches, tallest first is best."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.height = 0
        self._x = 0
        self._row = 0

    def place(self, height: int, width: int) -> tuple[int, int]:
        """Reserve ``height x width`` texels plus a gutter; returns (x, y) of the first texel."""
        if width + 2 * GUTTER > self.width:
            raise ValueError(f"patch of {width} texels does not fit a texture of {self.width}")
        if self._x + width + 2 * GUTTER > self.width:
            self._row, self._x = self.height, 0
        x, y = self._x + GUTTER, self._row + GUTTER
        self._x += width + 2 * GUTTER
        self.height = max(self.height, self._row + height + 2 * GUTTER)
        return x, y
