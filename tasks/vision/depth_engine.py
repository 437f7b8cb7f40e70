"""Metric depth of a clip's frames: the protocol that depth models implement, and the sensor a source ships."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Bool, Float, Int64, UInt8

from data_contracts.annotations import SourceAnnotations
from data_contracts.camera import ScaleSource

EDGE = 0.08  # relative spread of neighbouring depths above which a sample may mix two surfaces


@dataclass(frozen=True)
class MetricDepth:
    """Depth maps in metres of some frames, at a resolution of their own.

    Attributes:
        frames: frame of each map, increasing.
        maps: z-depth, 0 = none (never an infinity: a model's mask is applied before). Value (i, j) of an h x w map
            belongs to the pixel x = (j + 0.5) W / w - 0.5, y = (i + 0.5) H / h - 0.5 of the clip.
        source: what measured it.
    """

    frames: Int64[np.ndarray, " maps"]
    maps: Float[np.ndarray, "maps rows columns"]
    source: ScaleSource


class DepthEngine(Protocol):
    """Metric depth from pixels or from what ships beside them (Pi3X with MoGe-2, or a sensor)."""

    def metric_depth(
        self, frames: UInt8[np.ndarray, "frames height width 3"], focal: Float[np.ndarray, " frames"]
    ) -> MetricDepth | None:
        """Depth of as many frames as the engine can say something of; None when of none.

        Args:
            frames: RGB.
            focal: horizontal focal length of each frame, pixels (a known field of view fixes a model's shift).
        """


@dataclass(frozen=True)
class SensorDepthEngine:
    """The sparse metric depth that a source ships; it looks at no pixel."""

    annotations: SourceAnnotations

    def metric_depth(
        self,
        frames: UInt8[np.ndarray, "frames height width 3"],
        focal: Float[np.ndarray, " frames"],  # noqa: ARG002 - part of the protocol
    ) -> MetricDepth | None:
        """The shipped maps that belong to frames of the clip, cleaned of values that are no depth."""
        maps, index = self.annotations.sensor_depth, self.annotations.sensor_depth_frames
        if maps is None or index is None or len(index) == 0:
            return None
        order = np.argsort(index, kind="stable")
        order = order[(index[order] >= 0) & (index[order] < len(frames))]
        clean = np.where(np.isfinite(maps[order]) & (maps[order] > 0), maps[order], 0.0)
        return MetricDepth(index[order].astype(np.int64), clean.astype(np.float64), ScaleSource.SENSOR_DEPTH)


def sample_depth(
    depth: Float[np.ndarray, "rows columns"], pixels: Float[np.ndarray, "points 2"], size: tuple[int, int]
) -> tuple[Float[np.ndarray, " points"], Bool[np.ndarray, " points"]]:
    """Bilinear depth at pixels of the clip, and where it can be trusted.

    A sample is trusted when its four neighbours are all measured and lie on one surface.

    Args:
        depth: one map, 0 = none.
        pixels: x y in the clip, pixel centres at integers.
        size: height and width of the clip.
    """
    rows, columns = depth.shape
    x = (pixels[:, 0] + 0.5) * columns / size[1] - 0.5
    y = (pixels[:, 1] + 0.5) * rows / size[0] - 0.5
    inside = (x >= 0) & (x <= columns - 1) & (y >= 0) & (y <= rows - 1)
    left = np.clip(np.floor(x).astype(int), 0, columns - 2)
    top = np.clip(np.floor(y).astype(int), 0, rows - 2)
    along, below = np.clip(x - left, 0, 1), np.clip(y - top, 0, 1)
    corners = np.stack([depth[top, left], depth[top, left + 1], depth[top + 1, left], depth[top + 1, left + 1]])
    weights = np.stack([(1 - along) * (1 - below), along * (1 - below), (1 - along) * below, along * below])
    lowest, highest = corners.min(0), corners.max(0)
    trusted = inside & (lowest > 0) & (highest - lowest <= EDGE * np.maximum(lowest, 1e-9))
    return (corners * weights).sum(0), trusted
