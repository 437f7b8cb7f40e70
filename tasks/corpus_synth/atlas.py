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

    Level k is smaller by exactly 2^(-k/2): texel s of level 0 lies at (s + 0.5) scale - 0.5.

    Attributes:
        stacked: the levels one under another, RGB.
        scale: size of each level over the size of level 0.
        offset: first row of each level.
    """

    stacked: UInt8[np.ndarray, "rows width 3"]
    scale: Float32[np.ndarray, "levels"]
    offset: Float32[np.ndarray, "levels"]


def build_pyramid(base: UInt8[np.ndarray, "height width 3"]) -> Atlas:
    """Shrink by 1/sqrt(2) per level: each level is the average of 2 x 2 texels of the level two above it."""
    width = base.shape[1]
    levels = [base, _shrink_by_root_two(base)]
    for level in range(2, LEVELS):
        above = levels[level - 2]
        even = cv2.copyMakeBorder(above, 0, above.shape[0] % 2, 0, above.shape[1] % 2, cv2.BORDER_REPLICATE)
        size = (even.shape[1] // 2, even.shape[0] // 2)
        levels.append(cv2.resize(even, size, interpolation=cv2.INTER_AREA))
    offsets = np.cumsum([0] + [image.shape[0] for image in levels])
    stacked = np.zeros((offsets[-1], width, 3), np.uint8)
    for image, offset in zip(levels, offsets, strict=False):
        stacked[offset : offset + image.shape[0], : image.shape[1]] = image
    scale = 2.0 ** (-np.arange(LEVELS) / 2)
    return Atlas(stacked, scale.astype(np.float32), offsets[:-1].astype(np.float32))


def _shrink_by_root_two(base: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "h w 3"]:
    factor = np.sqrt(2.0)
    size = (int(np.ceil(base.shape[1] / factor)), int(np.ceil(base.shape[0] / factor)))
    shift = (factor - 1) / 2  # texel centres: x0 = (x1 + 0.5) sqrt(2) - 0.5
    source_from_target = np.array([[factor, 0, shift], [0, factor, shift]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(base, source_from_target, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)


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
