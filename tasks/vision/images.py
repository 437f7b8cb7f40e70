"""Bringing pictures, depth maps and intrinsics from a source's size to the stored size."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8


@dataclass(frozen=True)
class CoverCrop:
    """Scale so that the target is covered, keeping the aspect, then cut the centre. Sizes are (height, width).

    Pixel centres lie at integers: native pixel x goes to (x + 0.5) sx - 0.5 - offset.
    """

    native: tuple[int, int]
    target: tuple[int, int]

    @property
    def scaled(self) -> tuple[int, int]:
        """Size after scaling, before the cut."""
        factor = max(self.target[0] / self.native[0], self.target[1] / self.native[1])
        height, width = (max(t, round(n * factor)) for n, t in zip(self.native, self.target, strict=True))
        return height, width

    @property
    def offset(self) -> tuple[int, int]:
        """Rows and columns cut from the top and the left."""
        height, width = self.scaled
        return (height - self.target[0]) // 2, (width - self.target[1]) // 2

    def picture(self, image: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "target_height target_width 3"]:
        """Area averaging downwards, Lanczos upwards."""
        height, width = self.scaled
        if (height, width) != image.shape[:2]:
            method = cv2.INTER_AREA if height <= image.shape[0] else cv2.INTER_LANCZOS4
            image = cv2.resize(image, (width, height), interpolation=method)
        return self._cut(image)

    def depth(self, depth: Float[np.ndarray, "height width"]) -> Float[np.ndarray, "target_height target_width"]:
        """The nearest value, so that no depth is made up across an edge."""
        height, width = self.scaled
        rows = _nearest(height, depth.shape[0])
        columns = _nearest(width, depth.shape[1])
        return self._cut(depth[np.ix_(rows, columns)])

    def sensor_depth(self, depth: Float[np.ndarray, "cells_y cells_x"]) -> Float[np.ndarray, "new_y new_x"]:
        """A coarse map over the native picture, cut to the part that is stored; cells keep about their size."""
        rows = self._cells(depth.shape[0], axis=0)
        columns = self._cells(depth.shape[1], axis=1)
        return depth[np.ix_(rows, columns)]

    def intrinsics(self, rows: Float[np.ndarray, "frames 4"]) -> Float[np.ndarray, "frames 4"]:
        """``fx fy cx cy`` of the stored picture."""
        (height, width), (top, left) = self.scaled, self.offset
        sy, sx = height / self.native[0], width / self.native[1]
        fx, fy, cx, cy = rows.T
        return np.stack([fx * sx, fy * sy, (cx + 0.5) * sx - 0.5 - left, (cy + 0.5) * sy - 0.5 - top], axis=1)

    def _cut(self, image: np.ndarray) -> np.ndarray:
        top, left = self.offset
        return np.ascontiguousarray(image[top : top + self.target[0], left : left + self.target[1]])

    def _cells(self, cells: int, axis: int) -> np.ndarray:
        start, kept, whole = self.offset[axis], self.target[axis], self.scaled[axis]
        count = max(1, round(cells * kept / whole))
        centre = (start + (np.arange(count) + 0.5) * kept / count) / whole
        return np.clip((centre * cells).astype(np.int64), 0, cells - 1)


def _nearest(target: int, native: int) -> np.ndarray:
    return np.clip(((np.arange(target) + 0.5) * native / target).astype(np.int64), 0, native - 1)
