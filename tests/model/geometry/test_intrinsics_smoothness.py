"""Projection, resizing, field of view, focal mismatch, smoothness."""

import numpy as np
import pytest

from model.geometry.intrinsics import (
    crop_intrinsics,
    field_of_view,
    focal_mismatch,
    in_view,
    intrinsics_matrix,
    project,
    resize_intrinsics,
    unproject,
)
from model.geometry.se3 import rigid
from model.geometry.smoothness import path_smoothness


def test_projection_and_unprojection_are_inverse_and_equal_to_the_matrix():
    intrinsics = np.array([200.0, 210.0, 159.5, 95.5])
    pixels = np.array([[0.0, 0.0], [319.0, 191.0], [10.25, 77.5]])
    depth = np.array([1.0, 2.5, 40.0])
    points = unproject(pixels, depth, intrinsics)
    assert np.allclose(project(points, intrinsics), pixels)
    homogeneous = points @ intrinsics_matrix(intrinsics).T
    assert np.allclose(homogeneous[:, :2] / homogeneous[:, 2:], pixels)


def test_resizing_keeps_the_ray_of_a_pixel_corner():
    intrinsics = np.array([500.0, 500.0, 319.5, 239.5])
    half = resize_intrinsics(intrinsics, (480, 640), (240, 320))
    assert np.allclose(half, [250, 250, 159.5, 119.5])
    corner = np.array([[-0.5, -0.5]])  # the outer corner of the image stays the same ray at every size
    depth = np.ones(1)
    assert np.allclose(unproject(corner, depth, intrinsics), unproject(corner, depth, half))
    assert np.allclose(crop_intrinsics(half, top=4, left=10), [250, 250, 149.5, 115.5])


def test_field_of_view_and_mismatch_follow_the_paper():
    horizontal, vertical = field_of_view(np.array([[160.0, 96.0, 160, 96], [160.0, 192.0, 160, 96]]), 192, 320)
    assert np.allclose(horizontal, [90, 90])
    assert np.allclose(vertical, [90, 2 * np.degrees(np.arctan(0.5))])
    assert focal_mismatch(np.array([110.0, 90.0, 0, 0])) == pytest.approx(0.2)


def test_points_behind_or_outside_are_not_in_view():
    pixels = np.array([[0.0, 0.0], [0.0, 0.0], [-1.0, 0.0], [319.4, 191.4], [319.6, 0.0]])
    depth = np.array([1.0, -1.0, 1.0, 1.0, 1.0])
    assert in_view(pixels, depth, 192, 320).tolist() == [True, False, False, True, False]


def test_smoothness_finds_one_jump_and_ignores_scale():
    centres = np.arange(20.0)[:, None] * np.array([0.1, 0, 0])
    smooth = rigid(np.eye(3)[None].repeat(20, 0), centres)
    jumped = smooth.copy()
    jumped[10:, 1, 3] += 0.5
    assert path_smoothness(smooth, 1e-3).translation_jerk < 1e-9
    jerk = path_smoothness(jumped, 1e-3).translation_jerk
    assert jerk > 3
    scaled = jumped.copy()
    scaled[:, :3, 3] *= 40
    assert path_smoothness(scaled, 40e-3).translation_jerk == pytest.approx(jerk)
    with pytest.raises(ValueError, match="at least 3"):
        path_smoothness(smooth[:2], 1e-3)
