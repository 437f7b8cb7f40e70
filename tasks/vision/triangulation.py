"""Points from tracks under known cameras: the place closest to all viewing rays."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from tasks.vision.bundle import Observations, Scene


@dataclass(frozen=True)
class Triangulated:
    """Points of tracks, and which of them the rays determine.

    Attributes:
        points: world coordinates; zero where ``solid`` is False.
        solid: the rays span an angle, and the point lies before every camera that sees it.
    """

    points: Float[np.ndarray, "tracks 3"]
    solid: Bool[np.ndarray, " tracks"]


def triangulate(scene: Scene, observations: Observations, tracks: int, min_angle: float) -> Triangulated:
    """Least-squares intersection of rays: ``sum (I - d d^T) X = sum (I - d d^T) c``.

    Args:
        scene: cameras (its points are not used).
        observations: ``point`` holds track numbers, 0 to ``tracks - 1``.
        tracks: number of tracks.
        min_angle: root mean square angle in degrees between the rays of a track and their mean that a point needs.
    """
    origins, rays = viewing_rays(scene, observations)
    projector = np.eye(3) - rays[:, :, None] * rays[:, None, :]
    normal = _sum(projector.reshape(-1, 9), observations.point, tracks).reshape(-1, 3, 3)
    right = _sum(np.einsum("nij,nj->ni", projector, origins), observations.point, tracks)
    # The smallest eigenvalue of the mean projector is the mean squared sine of the rays' spread, in any direction.
    seen = np.bincount(observations.point, minlength=tracks)
    spread = np.linalg.eigvalsh(normal)[:, 0] / np.maximum(seen, 1)
    solid = (seen >= 2) & (spread > np.sin(np.radians(min_angle)) ** 2)
    points = np.zeros((tracks, 3))
    points[solid] = np.linalg.solve(normal[solid], right[solid][..., None])[..., 0]
    ahead = np.einsum("ni,ni->n", points[observations.point] - origins, rays) > 0
    solid &= np.bincount(observations.point, weights=~ahead, minlength=tracks) == 0
    return Triangulated(np.where(solid[:, None], points, 0.0), solid)


def viewing_rays(
    scene: Scene, observations: Observations
) -> tuple[Float[np.ndarray, "observations 3"], Float[np.ndarray, "observations 3"]]:
    """Origin and unit direction of the ray of each observation, world coordinates."""
    rotations, translations = scene.rotations[observations.frame], scene.translations[observations.frame]
    plane = (observations.pixels - scene.principal) / scene.focal[observations.frame, None]
    local = np.concatenate([plane, np.ones((len(plane), 1))], axis=-1)
    rays = np.einsum("nji,nj->ni", rotations, local)
    origins = -np.einsum("nji,nj->ni", rotations, translations)
    return origins, rays / np.linalg.norm(rays, axis=-1, keepdims=True)


def _sum(values: np.ndarray, index: np.ndarray, count: int) -> np.ndarray:
    return np.stack([np.bincount(index, weights=column, minlength=count) for column in values.T], axis=-1)
