"""A template adapted to a scene: size, speed, collisions, revisit pairs (App. D.1)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.spatial import KDTree

from data_contracts.benchmark import RevisitPair, Smoothness
from model.geometry.rotations import geodesic_angle
from model.geometry.waypoints import PathLimits, camera_path, scaled_travel
from tasks.evaluation.templates import Template

DEPTH_SHARE = 0.6  # travel is at most 60% of the median depth (App. D.1)
MARGIN = 0.3  # metres to the scene's points (App. D.1)
SLOWER = 0.7  # each retry is 30% slower (App. D.1)
RETRIES = 3
PAIR_METRES, PAIR_DEGREES = 0.5, 20.0  # a revisit (App. D.1)


@dataclass(frozen=True)
class SceneGeometry:
    """What is known of a scene's depth in the first camera's frame; None where nothing is."""

    median_depth: float | None
    points: Float[ndarray, "points 3"] | None


@dataclass(frozen=True)
class SceneTrajectoryPath:
    """A camera path and how it came about."""

    camera_to_world: Float[ndarray, "frames 4 4"]
    travel_scale: float
    collision: str


def scene_path(template: Template, frames: int, limits: PathLimits, scene: SceneGeometry) -> SceneTrajectoryPath:
    """Fit the template to the scene; a path that comes too near to it is made again, 30% smaller and slower each time.

    A path that still collides after three retries is kept and marked, never dropped.
    """
    reach = max(float(np.linalg.norm(w.position)) for w in template.waypoints)
    scale = 1.0 if scene.median_depth is None else min(1.0, DEPTH_SHARE * scene.median_depth / max(reach, 1e-9))
    path = camera_path(scaled_travel(template.waypoints, scale), frames, limits)
    if scene.points is None:
        return SceneTrajectoryPath(path, scale, "unchecked")
    tree = KDTree(scene.points)
    for attempt in range(RETRIES + 1):
        if attempt:
            scale *= SLOWER
            path = camera_path(scaled_travel(template.waypoints, scale), frames, limits)
        if float(tree.query(path[:, :3, 3])[0].min()) >= MARGIN:
            return SceneTrajectoryPath(path, scale, "clear" if attempt == 0 else f"clear_after_{attempt}")
    return SceneTrajectoryPath(path, scale, "collides")


def revisit_pairs(camera_to_world: Float[ndarray, "frames 4 4"], minimum_gap: int, limit: int) -> list[RevisitPair]:
    """Pairs of frames at nearly one viewpoint, at least ``minimum_gap`` frames apart, best first.

    The score adds distance over 0.5 m and angle over 20 degrees. Pairs whose both ends lie within half the gap of those
    of a better pair are left out, so that five pairs are five places.
    """
    centers, rotations = camera_to_world[:, :3, 3], camera_to_world[:, :3, :3]
    first, second = np.triu_indices(len(centers), k=max(1, minimum_gap))
    distance = np.linalg.norm(centers[first] - centers[second], axis=-1)
    near = np.flatnonzero(distance < PAIR_METRES)
    first, second, distance = first[near], second[near], distance[near]
    angle = np.degrees(geodesic_angle(rotations[first], rotations[second]))
    score = distance / PAIR_METRES + angle / PAIR_DEGREES
    chosen: list[RevisitPair] = []
    for index in np.lexsort((second, first, np.round(score, 9))):
        if angle[index] >= PAIR_DEGREES:
            continue
        pair = RevisitPair(
            frame_a=int(first[index]),
            frame_b=int(second[index]),
            quality_score=round(float(score[index]), 6),
            distance_m=round(float(distance[index]), 6),
            angle_diff_deg=round(float(angle[index]), 6),
        )
        if not any(_same_place(pair, other, minimum_gap / 2) for other in chosen):
            chosen.append(pair)
        if len(chosen) == limit:
            break
    return chosen


def smoothness(camera_to_world: Float[ndarray, "frames 4 4"], fps: float) -> Smoothness:
    """Largest turn and speed, mean speed, and the length of the path."""
    steps = np.linalg.norm(np.diff(camera_to_world[:, :3, 3], axis=0), axis=-1)
    turns = np.degrees(geodesic_angle(camera_to_world[:-1, :3, :3], camera_to_world[1:, :3, :3]))
    return Smoothness(
        max_degrees_per_second=round(float(turns.max() * fps), 6),
        max_metres_per_second=round(float(steps.max() * fps), 6),
        mean_metres_per_second=round(float(steps.mean() * fps), 6),
        path_length_m=round(float(steps.sum()), 6),
    )


def _same_place(pair: RevisitPair, other: RevisitPair, reach: float) -> bool:
    return abs(pair.frame_a - other.frame_a) < reach and abs(pair.frame_b - other.frame_b) < reach
