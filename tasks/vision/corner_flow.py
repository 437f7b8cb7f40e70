"""Sparse flow: one corner a cell of a grid over the picture, followed to another frame and back.

It knows nothing of cameras: what moves by itself is for the geometry to drop.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

GRID = (12, 20)  # cells down and across, about square at 16:9: no part of the picture outvotes the others
NOISE = 1e-4  # least eigenvalue of a corner, luma of 0..1; noise of 2 levels in 255 makes 3e-5
WEAKEST = 0.05  # of the picture's strong corners; in weaker ones the noise of compression is followed
STRONG = 0.9  # quantile over the cells that is taken for the picture's strong corners: lettering does not set it
CLOSURE = 0.3  # pixels a corner may come back away from where it began
_WINDOW, _LEVELS = (15, 15), 4  # displacements of up to about 100 pixels


@dataclass(frozen=True)
class CornerFlow:
    """Corners (x y, pixel centres at integers) and their displacement, pixels."""

    corners: Float32[np.ndarray, "corners 2"]
    displacement: Float32[np.ndarray, "corners 2"]

    @property
    def typical_length(self) -> float:
        """Median length, pixels; 0 without corners."""
        return float(np.median(np.linalg.norm(self.displacement, axis=1))) if len(self.corners) else 0.0


def corner_flow(before: UInt8[np.ndarray, "height width"], after: UInt8[np.ndarray, "height width"]) -> CornerFlow:
    """Follow the strongest corner of every cell by pyramidal Lucas-Kanade; those that do not return are dropped."""
    corners = _grid_corners(before)
    if not len(corners):
        return CornerFlow(corners, corners)
    forth, seen = _follow(before, after, corners)
    back, seen_again = _follow(after, before, forth)
    kept = seen & seen_again & (np.linalg.norm(back - corners, axis=1) < CLOSURE)
    return CornerFlow(corners[kept], (forth - corners)[kept])


def _grid_corners(gray: np.ndarray) -> np.ndarray:
    (rows, columns), (height, width) = GRID, (side // cells for side, cells in zip(gray.shape, GRID, strict=True))
    strength = cv2.cornerMinEigenVal(gray, blockSize=5, ksize=3)[: rows * height, : columns * width]
    cells = strength.reshape(rows, height, columns, width).swapaxes(1, 2).reshape(rows * columns, -1)
    strongest = cells.max(axis=1)
    cell = np.flatnonzero(strongest > max(NOISE, WEAKEST * np.quantile(strongest, STRONG)))
    y, x = np.divmod(cells[cell].argmax(axis=1), width)
    return np.stack([cell % columns * width + x, cell // columns * height + y], axis=1).astype(np.float32)


def _follow(before: np.ndarray, after: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where points of ``before`` are in ``after``, and whether they were found."""
    moved, found, _ = cv2.calcOpticalFlowPyrLK(
        before, after, points[:, None], points[:, None].copy(), winSize=_WINDOW, maxLevel=_LEVELS
    )
    return moved[:, 0], found[:, 0] > 0
