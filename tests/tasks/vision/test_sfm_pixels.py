"""Cameras from pixels alone, and structure under given cameras."""

import numpy as np
import pytest
from textured_room import film_room, gentle_path

from model.geometry.pose_metrics import path_accuracy
from tasks.vision.sfm import SfmError, SfmOptions, reconstruct
from tasks.vision.sfm_worker import matching_pairs
from tasks.vision.structure import triangulate_under_cameras

OPTIONS = SfmOptions(
    key_step=4, max_tracks=220, max_points=200, first_focals=(0.8, 0.5), focal_known=False, max_error=1.0,
    settled_px=0.2, min_registered=0.9, focal_gain=0.9, focal_range=0.03, timeout=60.0, seed=0,
)  # fmt: skip


@pytest.fixture(scope="module")
def shot():
    return film_room(gentle_path(41), np.full(41, 150.0))


@pytest.fixture(scope="module")
def found(shot):
    return reconstruct(shot.frames, OPTIONS)


def test_every_frame_gets_an_accurate_camera(shot, found):
    accuracy = path_accuracy(found.camera_to_world, shot.camera_to_world)
    assert accuracy.rotation_rmse_deg < 1.0
    assert accuracy.translation_rmse_relative < 0.01
    assert found.registered.all()
    assert np.array_equal(found.camera_to_world[0], np.eye(4))
    assert found.focal[0] == pytest.approx(150, rel=0.05)
    assert not found.focal_varies


def test_equal_pixels_give_equal_bits(shot, found):
    again = reconstruct(shot.frames, OPTIONS)
    assert np.array_equal(again.camera_to_world, found.camera_to_world)
    assert np.array_equal(again.focal, found.focal)


def test_a_zoom_is_told_from_a_move():
    zoom = 150 * np.exp(np.log(1.3) * (1 - np.cos(np.pi * np.linspace(0, 1, 41))) / 2)
    shot = film_room(gentle_path(41), zoom)
    found = reconstruct(shot.frames, OPTIONS)
    assert found.focal_varies
    assert np.abs(found.focal / zoom - 1).max() < 0.06
    assert path_accuracy(found.camera_to_world, shot.camera_to_world).translation_rmse_relative < 0.02


@pytest.mark.parametrize("value", [0, 128])
def test_a_blank_clip_fails_at_once(value):
    with pytest.raises(SfmError, match="no motion"):
        reconstruct(np.full((17, 96, 160, 3), value, np.uint8), OPTIONS)


def test_a_frozen_clip_fails_at_once(shot):
    with pytest.raises(SfmError, match="no motion"):
        reconstruct(np.repeat(shot.frames[:1], 17, axis=0), OPTIONS)


def test_structure_under_given_cameras_has_the_true_depth(shot):
    stretched = shot.camera_to_world.copy()
    stretched[:, :3, 3] /= 2.5
    lens = shot.intrinsics.copy()
    cloud = triangulate_under_cameras(shot.frames, stretched, lens, 200, 1.0)
    rows = cloud.observations.frame == 20
    pixels = cloud.observations.pixels[rows]
    back = np.linalg.inv(stretched[20])
    depth = cloud.points[cloud.observations.point[rows]] @ back[2, :3] + back[2, 3]
    column, row = np.round(pixels).astype(int).T
    assert np.median(shot.depth[20][row, column] / depth) == pytest.approx(2.5, rel=0.01)


def test_pairs_join_neighbours_and_the_ends():
    pairs = matching_pairs(9)
    assert {(0, 1), (0, 8), (3, 7)} <= set(pairs)
    assert all(first < second < 9 for first, second in pairs)
    assert matching_pairs(1) == []
