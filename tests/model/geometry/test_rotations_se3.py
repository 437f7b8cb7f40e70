"""SE(3) round trips, quaternions at their hard places, interpolation, rigidity."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from model.geometry.rotations import (
    geodesic_angle,
    interpolate_rotations,
    nearest_rotation,
    quaternion_from_rotation,
    rotation_exp,
    rotation_from_quaternion,
    rotation_log,
)
from model.geometry.se3 import (
    interpolate_poses,
    inverse,
    path_length,
    relative_to_first,
    rigid,
    rigidity_error,
    se3_exp,
    se3_log,
    steps_between,
)

vectors = arrays(np.float64, (3,), elements=st.floats(-1.8, 1.8))
twists = arrays(np.float64, (5, 6), elements=st.floats(-1.7, 1.7))


@settings(max_examples=60, deadline=None)
@given(twists)
def test_exp_and_log_are_inverse(twist):
    motion = se3_exp(twist)
    assert np.allclose(se3_log(motion), twist, atol=1e-9)
    assert np.allclose(motion @ inverse(motion), np.eye(4), atol=1e-12)
    assert rigidity_error(motion).max() < 1e-12


@settings(max_examples=60, deadline=None)
@given(vectors)
def test_exp_and_quaternions_agree_with_scipy(vector):
    rotation = rotation_exp(vector)
    assert np.allclose(rotation, Rotation.from_rotvec(vector).as_matrix(), atol=1e-12)
    quaternion = quaternion_from_rotation(rotation)
    assert np.allclose(rotation_from_quaternion(quaternion), rotation, atol=1e-12)


@pytest.mark.parametrize("angle", [0.0, 1e-12, 1e-7, 1e-3, np.pi - 1e-7, np.pi])
@pytest.mark.parametrize("axis", [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.6, 0.0, -0.8]])
def test_log_is_accurate_at_zero_and_at_pi(angle, axis):
    vector = angle * np.array(axis, dtype=float)
    recovered = rotation_log(rotation_exp(vector))
    same = np.allclose(recovered, vector, atol=1e-9) or np.allclose(recovered, -vector, atol=1e-6)
    assert same
    assert np.isclose(np.linalg.norm(recovered), angle, atol=1e-9)


def test_quaternion_of_nothing_is_refused():
    with pytest.raises(ValueError, match="norm 0"):
        rotation_from_quaternion(np.zeros(4))


def test_nearest_rotation_has_positive_determinant():
    reflected = np.diag([1.0, 1.0, -1.0]) + 0.01
    assert np.isclose(np.linalg.det(nearest_rotation(reflected)), 1.0)


def test_rigidity_error_sees_a_scaled_rotation():
    bent = np.eye(4)
    bent[0, 0] = 1.1
    assert rigidity_error(bent[None])[0] > 0.05


def test_interpolation_hits_the_known_poses_and_turns_at_constant_speed():
    times = np.array([0.0, 4.0, 8.0])
    poses = se3_exp(np.array([[0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0.4, 0], [1, 2, 0, 0, 0.4, 0.2]], dtype=float))
    between = interpolate_poses(times, poses, np.arange(-1.0, 10.0))
    assert np.allclose(between[[1, 5, 9]], poses, atol=1e-12)
    assert np.allclose(between[[0, 10]], poses[[0, 2]], atol=1e-12)
    steps = steps_between(between[1:6])
    assert np.allclose(geodesic_angle(steps[:-1, :3, :3], steps[1:, :3, :3]), 0, atol=1e-9)
    half = interpolate_rotations(poses[:1, :3, :3], poses[1:2, :3, :3], np.array([0.5]))
    assert np.allclose(rotation_log(half)[0], [0, 0.2, 0])


def test_interpolation_refuses_times_that_do_not_increase():
    with pytest.raises(ValueError, match="increasing"):
        interpolate_poses(np.array([0.0, 0.0]), np.repeat(np.eye(4)[None], 2, 0), np.array([0.0]))


def test_relative_poses_keep_the_steps_and_start_at_identity():
    poses = se3_exp(np.random.default_rng(0).normal(size=(6, 6)) * 0.5)
    relative = relative_to_first(poses)
    assert np.array_equal(relative[0], np.eye(4))
    assert np.allclose(steps_between(relative), steps_between(poses), atol=1e-12)


def test_path_length_of_a_square():
    corners = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]], dtype=float)
    assert path_length(rigid(np.repeat(np.eye(3)[None], 5, 0), corners)) == pytest.approx(4.0)
