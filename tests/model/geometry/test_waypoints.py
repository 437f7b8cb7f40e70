"""Waypoints to frames: speed, turn rate, ends and length."""

import numpy as np
import pytest

from model.geometry.waypoints import PathLimits, Waypoint, camera_path, scaled_travel

LOOP = [Waypoint((0, 0, 0)), Waypoint((1, 0, 1), 30), Waypoint((0, 0, 2), 60, 10), Waypoint((0, 0, 0), 0)]


@pytest.mark.parametrize("frames", [17, 81, 961])
def test_a_path_keeps_its_frames_and_its_limits(frames):
    path = camera_path(LOOP, frames, PathLimits())
    assert path.shape == (frames, 4, 4)
    assert np.array_equal(path[0], np.eye(4))
    assert np.allclose(np.linalg.det(path[:, :3, :3]), 1)
    relative = np.swapaxes(path[:-1, :3, :3], 1, 2) @ path[1:, :3, :3]
    angle = np.degrees(np.arccos(np.clip((np.trace(relative, axis1=1, axis2=2) - 1) / 2, -1, 1)))
    assert angle.max() <= 0.75 + 1e-6
    travel = np.linalg.norm(np.diff(path[:, :3, 3], axis=0), axis=-1).sum()
    assert travel <= 0.4 * (frames - 1) / 16 * 1.1


def test_a_loop_returns_to_its_start():
    path = camera_path(LOOP, 961, PathLimits())
    assert np.linalg.norm(path[-1, :3, 3]) < 1e-6


def test_yaw_turns_right_and_pitch_looks_up():
    right = camera_path([Waypoint((0, 0, 0)), Waypoint((0, 0, 1), yaw=20)], 81, PathLimits())
    assert right[-1, 0, 2] > 0.2
    up = camera_path([Waypoint((0, 0, 0)), Waypoint((0, 0, 1), pitch=20)], 81, PathLimits())
    assert up[-1, 1, 2] < -0.2


def test_scaling_scales_travel_only():
    assert scaled_travel(LOOP, 0.5)[1] == Waypoint((0.5, 0, 0.5), 30)


def test_one_frame_is_no_path():
    with pytest.raises(ValueError, match="at least 2 frames"):
        camera_path(LOOP, 1, PathLimits())
