"""How smoothly a camera moves: steps and changes of step, comparable across scenes and scales."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from model.geometry.rotations import rotation_angle
from model.geometry.se3 import steps_between


@dataclass(frozen=True)
class Smoothness:
    """Worst step and worst change of step of one path.

    Attributes:
        rotation_step_deg: largest rotation between neighbouring frames, degrees.
        rotation_jerk_deg: largest rotation that takes one step to the next, degrees.
        translation_jerk: largest second difference of the centres, in mean steps.
    """

    rotation_step_deg: float
    rotation_jerk_deg: float
    translation_jerk: float


def path_smoothness(camera_to_world: Float[np.ndarray, "frames 4 4"], step_floor: float) -> Smoothness:
    """Measure a path of at least three frames.

    Args:
        camera_to_world: poses, any unit.
        step_floor: a step in the same unit below which motion counts as none, so that the jitter of a camera that
            only turns is not divided by nothing.

    Raises:
        ValueError: fewer than three frames, or a floor that is not positive.
    """
    if len(camera_to_world) < 3 or step_floor <= 0:
        raise ValueError(f"path: {len(camera_to_world)} frames, floor {step_floor}; need at least 3 and more than 0")
    rotations = steps_between(camera_to_world)[:, :3, :3]
    step = np.degrees(rotation_angle(rotations)).max()
    jerk = np.degrees(rotation_angle(np.swapaxes(rotations[:-1], -1, -2) @ rotations[1:])).max()
    moves = np.diff(camera_to_world[:, :3, 3], axis=0)
    mean_step = max(float(np.linalg.norm(moves, axis=-1).mean()), step_floor)
    return Smoothness(
        float(step), float(jerk), float(np.linalg.norm(np.diff(moves, axis=0), axis=-1).max() / mean_step)
    )
