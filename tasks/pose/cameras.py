"""What a pose engine is given and what it returns: cameras up to scale, and depths that metric scale is fitted to."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Bool, Float, UInt8

from data_contracts.annotations import SourceAnnotations
from data_contracts.camera import IntrinsicsSource, PoseReason
from model.geometry.se3 import inverse
from tasks.pose.scale import DepthPairs, RawScales
from tasks.vision.bundle import Observations
from tasks.vision.depth_engine import MetricDepth, sample_depth


class PoseError(Exception):
    """A clip that gets no cameras: a reason of the catalogue and the numbers behind it."""

    def __init__(self, reason: PoseReason, detail: str) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class ClipPixels:
    """What an engine may look at: the frames, and what the source ships."""

    frames: UInt8[np.ndarray, "frames height width 3"]
    annotations: SourceAnnotations

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.frames.shape[1], self.frames.shape[2]


@dataclass(frozen=True)
class Structure:
    """Depths of points seen in frames, in the engine's unit.

    Attributes:
        observations: pixels; ``frame`` counts frames of the clip.
        depth: z-depth of each observation.
        reprojection_px: root mean square error; None where nothing was triangulated.
        points: number of points.
    """

    observations: Observations
    depth: Float[np.ndarray, " observations"]
    reprojection_px: float | None
    points: int

    def pairs(self, metric: MetricDepth, size: tuple[int, int]) -> list[DepthPairs]:
        """Depths of the structure beside the metric ones, frame by frame."""
        return [self._pairs(int(frame), one, size) for frame, one in zip(metric.frames, metric.maps, strict=True)]

    def _pairs(self, frame: int, metric: np.ndarray, size: tuple[int, int]) -> DepthPairs:
        rows = self.observations.frame == frame
        measured, trusted = sample_depth(metric, self.observations.pixels[rows], size)
        return DepthPairs(frame, self.depth[rows][trusted], measured[trusted])


@dataclass(frozen=True)
class RelativeCameras:
    """Cameras relative to frame 0 in the engine's (or the source's) unit.

    Attributes:
        camera_to_world: OpenCV.
        intrinsics: fx fy cx cy, pixels of the clip.
        intrinsics_source: declared by the source or estimated.
        intrinsics_vary: the engine kept a focal length per frame.
        registered: frames whose camera was measured.
        structure: depths the metric scale is fitted to.
        size: height and width of the clip.
    """

    camera_to_world: Float[np.ndarray, "frames 4 4"]
    intrinsics: Float[np.ndarray, "frames 4"]
    intrinsics_source: IntrinsicsSource
    intrinsics_vary: bool
    registered: Bool[np.ndarray, " frames"]
    structure: Structure
    size: tuple[int, int]


class PoseEngine(Protocol):
    """Finds the cameras of a clip up to scale, and says how metric depth fixes that scale."""

    @property
    def name(self) -> str:
        """What a row of ``poses.parquet`` calls it."""

    @property
    def version(self) -> str:
        """Version of the code that decides the result."""

    def cameras(self, clip: ClipPixels) -> RelativeCameras:
        """Cameras of every frame.

        Raises:
            PoseError: the clip gets none.
        """

    def refine_scale(self, cameras: RelativeCameras, metric: MetricDepth, raw: RawScales, smoothed: float) -> float:
        """The clip's scale, metres per unit, from the smoothed raw scales."""


def depths_of(camera_to_world: np.ndarray, points: np.ndarray, observations: Observations) -> np.ndarray:
    """z-depth of each observed point in the camera that sees it."""
    back = inverse(camera_to_world)[observations.frame, 2]
    seen = points[observations.point]
    return (back[:, :3] * seen).sum(-1) + back[:, 3]
