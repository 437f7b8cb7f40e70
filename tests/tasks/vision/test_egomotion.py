"""Corners moved by a known camera give that camera back, whatever else moves."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tasks.vision.corner_flow import CornerFlow, corner_flow
from tasks.vision.egomotion import FEWEST_CORNERS, egomotion

HEIGHT, WIDTH = 192, 320
GROUND, WALL = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 0.4])  # normals over distances, 1 and 2.5


def seen(turn, travel, planes=(GROUND, WALL), movers=0.0, count=300):
    """Exact flow of corners on the nearest plane ``p . X = 1``; a share ``movers`` goes 3 pixels to the right."""
    corners = np.random.default_rng(0).uniform([4, 4], [WIDTH - 4, HEIGHT - 4], (count, 2))
    centre = (np.array([WIDTH, HEIGHT]) - 1) / 2
    rays = np.column_stack([(corners - centre) / WIDTH, np.ones(count)])
    nearness = np.max(rays @ np.transpose(planes), axis=1)
    there = Rotation.from_rotvec(np.negative(turn)).apply(rays / nearness[:, None] - travel)
    displacement = there[:, :2] / there[:, 2:] * WIDTH + centre - corners
    displacement[: round(movers * count), 0] += 3
    return CornerFlow(corners.astype(np.float32), displacement.astype(np.float32))


@pytest.mark.parametrize(("movers", "tolerance"), [(0.0, 0.002), (0.2, 0.01)])
@pytest.mark.parametrize(
    ("turn", "travel"),
    [((0, 0.02, 0), (0, 0, 0)), ((0, 0, 0), (0, 0, 0.1)), ((0.01, -0.01, 0.005), (0.02, 0, 0.1))],
    ids=["turns", "goes ahead", "both"],
)
def test_turn_and_direction_are_those_of_the_camera(turn, travel, movers, tolerance):
    found = egomotion(seen(turn, travel, movers=movers), HEIGHT, WIDTH)
    assert np.linalg.norm(found.turn - turn) < tolerance
    assert np.linalg.norm(np.cross(found.travel, travel)) < 5 * tolerance * 0.1
    assert found.travel @ travel >= 0


@pytest.mark.parametrize("movers", [0.0, 0.25])
def test_travel_is_told_in_distances_of_the_scene(movers):
    """A plane alone allows two cameras; both have travelled as far."""
    for plane in (np.array([0.3, 0.3, 0.9]), np.array([0.6, 0.6, 1.8])):
        found = egomotion(seen((0, 0, 0), (0, 0, 0.05), [plane], movers), HEIGHT, WIDTH)
        assert np.linalg.norm(found.travel) == pytest.approx(0.05 * np.linalg.norm(plane), rel=0.15)


def test_a_picture_most_of_which_stays_is_of_a_camera_at_rest():
    found = egomotion(seen((0, 0, 0), (0, 0, 0), movers=0.4), HEIGHT, WIDTH)
    assert not found.turn.any()
    assert not found.travel.any()


def test_too_few_corners_tell_nothing():
    assert egomotion(seen((0, 0, 0), (0, 0, 0.1), count=FEWEST_CORNERS - 1), HEIGHT, WIDTH) is None


def test_corners_follow_a_shifted_picture_and_a_flat_one_has_none():
    rng = np.random.default_rng(3)
    wide = np.kron(rng.integers(0, 255, (24, 44), np.uint8), np.ones((8, 8), np.uint8))
    flow = corner_flow(wide[:, 8:328], wide[:, 5:325])
    assert len(flow.corners) > 100
    assert np.median(flow.displacement, axis=0) == pytest.approx([3, 0], abs=0.1)
    assert flow.typical_length == pytest.approx(3, abs=0.1)
    flat = corner_flow(np.full_like(wide, 90), np.full_like(wide, 90))
    assert (len(flat.corners), flat.typical_length) == (0, 0.0)
