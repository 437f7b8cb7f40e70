"""Candidate camera paths of one scene (App. B.2): near-view splines and motion families.

Family paths are anchored at a training camera, scaled by the median camera distance, turned towards the Gaussian
centre in forward-facing scenes, clamped to the zone the training cameras covered, and smoothed with sigma = N / 200.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

from model.geometry.se3 import rigid
from model.geometry.splines import (
    catmull_rom,
    matrices_from_quaternions,
    quaternions_from_matrices,
    same_hemisphere,
    squad,
    uniform_speed_parameters,
)
from tasks.splat.config import MotionFamily, SplatConfig
from tasks.splat.families import Anchor, rough_path
from tasks.splat.statistics import SceneStatistics

NEAR_VIEW = "near_view"
_WAYPOINTS = (5, 9)  # fewest and one more than most training views a near-view spline passes
_DENSE = 8  # samples per frame when a spline's speed is made uniform


@dataclass(frozen=True)
class Candidate:
    """One path: OpenCV camera-to-world per frame, metres, in the scene's world."""

    name: str
    family: str
    camera_to_world: Float[np.ndarray, "frames 4 4"]


def candidates(
    views: Float[np.ndarray, "views 4 4"], statistics: SceneStatistics, config: SplatConfig, seed: int
) -> list[Candidate]:
    """All candidate paths of a scene; path ``k`` depends on (seed, k) alone."""
    made = []
    for index in range(config.near_view_paths + config.family_paths):
        generator = np.random.default_rng([seed, index])
        if index < config.near_view_paths:
            made.append(Candidate(f"{NEAR_VIEW}_{index:02d}", NEAR_VIEW, _near_view(views, config, generator)))
        else:
            family = config.families[(index - config.near_view_paths) % len(config.families)]
            path = _family_path(family, views, statistics, config, generator)
            made.append(Candidate(f"{family.value}_{index:02d}", family.value, path))
    return made


def _near_view(
    views: Float[np.ndarray, "views 4 4"], config: SplatConfig, generator: np.random.Generator
) -> Float[np.ndarray, "frames 4 4"]:
    """A spline at uniform speed through a few training views, in the order in which they are drawn."""
    count = min(len(views), int(generator.integers(*_WAYPOINTS)))
    if count < 2:
        return np.repeat(views[:1], config.frames, axis=0)
    waypoints = views[generator.choice(len(views), size=count, replace=False)]
    keys = same_hemisphere(quaternions_from_matrices(waypoints[:, :3, :3]))
    dense = np.linspace(0, count - 1, _DENSE * config.frames)
    positions, rotations = catmull_rom(waypoints[:, :3, 3], dense), squad(keys, dense)
    parameters = uniform_speed_parameters(positions, rotations, dense, config.frames, metres_per_radian=1.0)
    path = catmull_rom(waypoints[:, :3, 3], parameters)
    return rigid(matrices_from_quaternions(squad(keys, parameters)), _smooth(path, config))


def _family_path(
    family: MotionFamily,
    views: Float[np.ndarray, "views 4 4"],
    statistics: SceneStatistics,
    config: SplatConfig,
    generator: np.random.Generator,
) -> Float[np.ndarray, "frames 4 4"]:
    anchor = _anchor(views[generator.integers(len(views))], statistics)
    rough = rough_path(family, anchor, config.frames, generator)
    positions = _smooth(statistics.clamp(rough.positions), config)
    return look_at(positions, _smooth(rough.targets, config), statistics.up)


def _anchor(view: Float[np.ndarray, "4 4"], statistics: SceneStatistics) -> Anchor:
    """The pivot lies one camera distance ahead, or at the Gaussian centre in forward-facing scenes."""
    position, forward = view[:3, 3], view[:3, 2]
    pivot = statistics.center if statistics.forward_facing else position + forward * statistics.distance
    if statistics.forward_facing:
        forward = (pivot - position) / np.linalg.norm(pivot - position)
    return Anchor(position, forward, statistics.up, pivot, statistics.distance)


def look_at(
    positions: Float[np.ndarray, "frames 3"], targets: Float[np.ndarray, "frames 3"], up: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "frames 4 4"]:
    """OpenCV camera-to-world at ``positions``, looking at ``targets``, with level horizon.

    Raises:
        ValueError: a target lies at its position, or straight above or below it.
    """
    forward = targets - positions
    right = np.cross(forward, up)
    lengths = np.linalg.norm(forward, axis=1), np.linalg.norm(right, axis=1)
    if min(lengths[0].min(), lengths[1].min()) < 1e-9:
        raise ValueError("a viewing direction is zero or vertical, so the horizon is not defined")
    forward, right = forward / lengths[0][:, None], right / lengths[1][:, None]
    return rigid(np.stack([right, np.cross(forward, right), forward], axis=2), positions)


def _smooth(values: Float[np.ndarray, "frames 3"], config: SplatConfig) -> Float[np.ndarray, "frames 3"]:
    return gaussian_filter1d(values, config.frames / config.smoothing_divisor, axis=0, mode="nearest")
