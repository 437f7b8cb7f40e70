"""From a few waypoints to one camera per frame (App. D.1 of the paper)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.spatial.transform import Rotation

from model.geometry import splines

DENSE_PER_SEGMENT = 64


@dataclass(frozen=True)
class Waypoint:
    """One key pose: position in metres (OpenCV axes: x right, y down, z forward), angles in degrees.

    ``yaw`` turns to the right, ``pitch`` looks up; both relative to the first camera. ``time`` in [0, 1] is when the
    template wants it; arc-length reparameterization replaces it by the time at uniform speed.
    """

    position: tuple[float, float, float]
    yaw: float = 0.0
    pitch: float = 0.0
    time: float = 0.0


@dataclass(frozen=True)
class PathLimits:
    """What a path may do. The paper: 12 deg/s, 0.4 m/s, 16 fps; smoothing rounds and the metric are ours."""

    degrees_per_second: float = 12.0
    metres_per_second: float = 0.4
    fps: float = 16.0
    smoothing_rounds: int = 8
    metres_per_radian: float = 0.5


def camera_path(waypoints: list[Waypoint], frames: int, limits: PathLimits) -> Float[ndarray, "frames 4 4"]:
    """Camera-to-world of every frame: splines, uniform speed, smoothing, then the turn-rate clamp.

    The first camera is the identity. Travel is scaled down, never up, so that the mean speed stays within the limit;
    angles likewise, so that the clamp only has to catch the fast parts. The number of frames is fixed.

    Raises:
        ValueError: for fewer than two waypoints or frames.
    """
    if frames < 2:
        raise ValueError(f"a path needs at least 2 frames, not {frames}")
    seconds = (frames - 1) / limits.fps
    positions, angles = _fitted(waypoints, seconds, limits)
    keys = _quaternions(angles)
    dense = np.linspace(0.0, len(waypoints) - 1, DENSE_PER_SEGMENT * (len(waypoints) - 1) + 1)
    uniform = splines.uniform_speed_parameters(
        splines.catmull_rom(positions, dense), splines.squad(keys, dense), dense, frames, limits.metres_per_radian
    )
    path = splines.smooth_positions(splines.catmull_rom(positions, uniform), limits.smoothing_rounds)
    step = np.radians(limits.degrees_per_second) / limits.fps
    turned = splines.clamp_turn_rate(splines.squad(keys, uniform), float(step))
    return _relative_to_first(path, splines.matrices_from_quaternions(turned))


def scaled_travel(waypoints: list[Waypoint], factor: float) -> list[Waypoint]:
    """The same template at another size: positions times ``factor``, angles and times untouched."""
    return [
        Waypoint((w.position[0] * factor, w.position[1] * factor, w.position[2] * factor), w.yaw, w.pitch, w.time)
        for w in waypoints
    ]


def _fitted(
    waypoints: list[Waypoint], seconds: float, limits: PathLimits
) -> tuple[Float[ndarray, "waypoints 3"], Float[ndarray, "waypoints 2"]]:
    positions = np.array([w.position for w in waypoints], dtype=np.float64)
    angles = np.radians(np.array([(w.yaw, w.pitch) for w in waypoints], dtype=np.float64))
    travel = float(np.linalg.norm(np.diff(positions, axis=0), axis=-1).sum())
    turn = float(np.linalg.norm(np.diff(angles, axis=0), axis=-1).sum())
    reach = limits.metres_per_second * seconds
    sweep = np.radians(limits.degrees_per_second) * seconds
    return positions * min(1.0, reach / max(travel, splines.SMALL)), angles * min(1.0, sweep / max(turn, splines.SMALL))


def _quaternions(angles: Float[ndarray, "waypoints 2"]) -> Float[ndarray, "waypoints 4"]:
    """Yaw about the world's y axis after pitch about the camera's x axis; no Euler angle is ever read back."""
    return Rotation.from_euler("YX", angles).as_quat(scalar_first=True)


def _relative_to_first(
    positions: Float[ndarray, "frames 3"], rotations: Float[ndarray, "frames 3 3"]
) -> Float[ndarray, "frames 4 4"]:
    path = np.tile(np.eye(4), (len(positions), 1, 1))
    path[:, :3, :3] = rotations[0].T @ rotations
    path[:, :3, 3] = (positions - positions[0]) @ rotations[0]
    path[0] = np.eye(4)
    return path
