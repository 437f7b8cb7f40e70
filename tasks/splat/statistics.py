"""What the training cameras say of a scene (App. B.2): where one may fly, and how far things are."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

_FORWARD_FACING = 0.7  # length of the mean viewing direction above which all cameras look one way
_SMALLEST_MARGIN = 0.15  # of the camera distance: a zone is never thinner than this
_ZONE_MARGIN = 0.1  # of the zone, on each side


@dataclass(frozen=True)
class SceneStatistics:
    """Figures in metres, world axes.

    Attributes:
        centroid: mean position of the training cameras.
        radius: median distance of a training camera from the centroid.
        height_range: lowest and highest camera along ``up``.
        directions: principal axes of the camera positions, one a row, the longest first.
        zone: lowest and highest coordinate along each axis, from the centroid: the original coverage zone.
        up: unit vector, the mean of the cameras' upward axes.
        center: median of the Gaussian centres.
        distance: median distance of a training camera from ``center``.
        forward_facing: all cameras look about the same way.
    """

    centroid: Float[np.ndarray, "3"]
    radius: float
    height_range: tuple[float, float]
    directions: Float[np.ndarray, "3 3"]
    zone: Float[np.ndarray, "2 3"]
    up: Float[np.ndarray, "3"]
    center: Float[np.ndarray, "3"]
    distance: float
    forward_facing: bool

    def clamp(self, positions: Float[np.ndarray, "frames 3"]) -> Float[np.ndarray, "frames 3"]:
        """Positions moved to the nearest point of the coverage zone."""
        local = (positions - self.centroid) @ self.directions.T
        return np.clip(local, self.zone[0], self.zone[1]) @ self.directions + self.centroid


def scene_statistics(
    camera_to_world: Float[np.ndarray, "views 4 4"], centers: Float[np.ndarray, "gaussians 3"]
) -> SceneStatistics:
    """Statistics of training cameras and Gaussian centres."""
    positions = camera_to_world[:, :3, 3]
    centroid, center = positions.mean(axis=0), np.median(centers, axis=0)
    up = _unit(-camera_to_world[:, :3, 1].mean(axis=0))
    _, _, directions = np.linalg.svd(positions - centroid, full_matrices=True)
    local = (positions - centroid) @ directions.T
    distance = float(np.median(np.linalg.norm(positions - center, axis=1)))
    margin = np.maximum(_ZONE_MARGIN * np.ptp(local, axis=0), _SMALLEST_MARGIN * distance)
    heights = positions @ up
    return SceneStatistics(
        centroid=centroid,
        radius=float(np.median(np.linalg.norm(positions - centroid, axis=1))),
        height_range=(float(heights.min()), float(heights.max())),
        directions=directions,
        zone=np.stack([local.min(axis=0) - margin, local.max(axis=0) + margin]),
        up=up,
        center=center,
        distance=distance,
        forward_facing=bool(np.linalg.norm(camera_to_world[:, :3, 2].mean(axis=0)) > _FORWARD_FACING),
    )


def _unit(vector: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    return vector / np.linalg.norm(vector)
