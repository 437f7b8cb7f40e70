import numpy as np
import pytest
import yaml

from model.geometry.se3 import rigidity_error
from tasks.splat.config import MotionFamily, SplatConfig
from tasks.splat.coverage import coverage
from tasks.splat.restore import restore
from tasks.splat.statistics import scene_statistics
from tasks.splat.trajectories import NEAR_VIEW, candidates, look_at


@pytest.fixture(scope="module")
def config(request):
    path = request.config.rootpath / "workflows/recipes/tiny/splat.yaml"
    everything = {"families": list(MotionFamily), "family_paths": 16, "frames": 41}
    return SplatConfig.model_validate(yaml.safe_load(path.read_text()) | everything)


def arc(views=9):
    angle = np.linspace(-0.5, 0.5, views)
    positions = np.stack([3 * np.sin(angle), 0.1 * np.cos(3 * angle), -3 * np.cos(angle)], axis=1)
    return look_at(positions, np.zeros((views, 3)), np.array([0.0, -1, 0]))


@pytest.fixture(scope="module")
def statistics():
    return scene_statistics(arc(), np.random.default_rng(0).normal(size=(500, 3)) * 0.3)


def test_statistics_of_an_arc(statistics):
    assert statistics.distance == pytest.approx(3, abs=0.1)
    assert statistics.forward_facing
    assert statistics.up @ [0, -1, 0] > 0.99
    assert abs(statistics.directions[0] @ [1, 0, 0]) > 0.99
    assert statistics.height_range[1] - statistics.height_range[0] < 0.2


def test_candidates_are_rigid_stay_in_the_zone_and_are_reproducible(statistics, config):
    made = candidates(arc(), statistics, config, seed=5)
    assert [c.family for c in made].count(NEAR_VIEW) == config.near_view_paths
    assert {c.family for c in made} == {NEAR_VIEW, *(f.value for f in MotionFamily)}
    for candidate in made:
        assert candidate.camera_to_world.shape == (41, 4, 4)
        assert rigidity_error(candidate.camera_to_world).max() < 1e-9
        positions = candidate.camera_to_world[:, :3, 3]
        assert np.allclose(statistics.clamp(positions), positions, atol=1e-9)
        assert np.linalg.norm(np.diff(positions, axis=0), axis=1).max() < 0.5
    again = candidates(arc(), statistics, config, seed=5)
    assert all(np.array_equal(a.camera_to_world, b.camera_to_world) for a, b in zip(made, again, strict=True))
    other = candidates(arc(), statistics, config, seed=6)
    assert not np.array_equal(made[4].camera_to_world, other[4].camera_to_world)


def test_orbits_look_at_the_gaussian_center_of_a_forward_facing_scene(statistics, config):
    orbit = next(c for c in candidates(arc(), statistics, config, seed=1) if c.family == "orbit").camera_to_world
    toward = statistics.center - orbit[:, :3, 3]
    assert (np.sum(orbit[:, :3, 2] * toward, axis=1) / np.linalg.norm(toward, axis=1)).min() > 0.999
    assert np.abs(orbit[:, :3, 0] @ statistics.up).max() < 1e-9  # level horizon


def test_coverage_tells_a_full_view_from_an_empty_one(config):
    points = np.random.default_rng(0).uniform([-3, -2, 2], [3, 2, 4], size=(4000, 3))
    intrinsics = np.array([200.0, 200, 159.5, 95.5])
    ahead, behind = np.tile(np.eye(4), (21, 1, 1)), np.tile(np.diag([-1.0, 1, -1, 1]), (21, 1, 1))
    full = coverage(ahead, intrinsics, points, config)
    assert (full.covered_views, full.tiled_views, full.worst_empty_tiles, full.expected_motion) == (1, 1, 0, 0)
    empty = coverage(behind, intrinsics, points, config)
    assert (empty.covered_views, empty.tiled_views, empty.worst_empty_tiles) == (0, 0, 1)
    corner = coverage(ahead, intrinsics, points[(points[:, 0] < -0.5) & (points[:, 1] < 0)], config)
    assert corner.covered_views == 1
    assert corner.tiled_views == 0
    half = np.concatenate([ahead[:10], behind[:11]])  # views 0, 10 and 20: one of three looks at the scene
    assert coverage(half, intrinsics, points, config).covered_views == pytest.approx(1 / 3)


def test_expected_motion_is_in_pixels_per_frame(config):
    wall = np.random.default_rng(0).uniform([-3, -2, 4], [3, 2, 4], size=(4000, 3))
    sideways = np.tile(np.eye(4), (21, 1, 1))
    sideways[:, 0, 3] = 0.02 * np.arange(21)
    found = coverage(sideways, np.array([200.0, 200, 159.5, 95.5]), wall, config)
    assert found.expected_motion == pytest.approx(200 * 0.02 / 4)


def test_restore_fills_pinholes_and_leaves_gaps():
    color, alpha = np.full((40, 60, 3), 0.6, np.float32), np.ones((40, 60), np.float32)
    for hole in ((slice(10, 12), slice(10, 12)), (slice(None), slice(40, 60))):
        color[hole], alpha[hole] = 0, 0
    out = restore(color, alpha, 0.05)
    assert abs(int(out[10, 10, 0]) - 153) <= 2
    assert out[:, 55:].max() == 0
    rng = np.random.default_rng(0)
    noisy = np.clip(0.5 + 0.03 * rng.standard_normal((40, 60, 3)), 0, 1).astype(np.float32)
    assert restore(noisy, np.ones((40, 60), np.float32), 0.06).std() < 0.7 * (noisy * 255).std()
    edge = np.repeat(np.array([[0.1] * 30 + [0.9] * 30], np.float32), 40, 0)[..., None].repeat(3, 2)
    assert np.abs(restore(edge, np.ones((40, 60), np.float32), 0.06).astype(int) - np.round(edge * 255)).max() <= 3


def test_vertical_view_has_no_horizon():
    with pytest.raises(ValueError, match="horizon"):
        look_at(np.zeros((2, 3)), np.tile([0.0, -1, 0], (2, 1)), np.array([0.0, -1, 0]))
