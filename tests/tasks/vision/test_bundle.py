"""Bundle adjustment: finds planted cameras, points and focal lengths; its derivatives are right."""

from dataclasses import replace

import numpy as np
import pytest

from model.geometry.pose_metrics import path_accuracy
from model.geometry.rotations import rotation_exp
from model.geometry.se3 import inverse, rigid
from tasks.vision.bundle import BundleOptions, Observations, Scene, adjust, reproject
from tasks.vision.triangulation import triangulate

OPTIONS = BundleOptions(
    pixel_sigma=0.2, loss_scale=2.0, focal_smoothness=1e-3, focal_prior=0.5, prior_focal=180.0, iterations=60,
    tolerance=1e-7,
)  # fmt: skip


def _planted(zoom=1.0, noise=0.0, seed=0):
    """Twelve cameras round a cloud of sixty points, all visible."""
    rng = np.random.default_rng(seed)
    frames, count = 12, 60
    points = rng.uniform([-1.5, -1, 3], [1.5, 1, 6], (count, 3))
    progress = np.linspace(-0.5, 0.5, frames)
    centres = np.stack([1.5 * progress, 0.2 * np.sin(5 * progress), 0.3 * np.cos(3 * progress)], axis=-1)
    turns = np.stack([0.1 * progress, -0.25 * progress, 0.05 * progress**2], axis=-1)
    back = inverse(rigid(rotation_exp(turns), centres))
    log_focal = np.log(200.0) + np.linspace(0, np.log(zoom), frames)
    focal = log_focal if zoom != 1 else log_focal[:1]
    scene = Scene(back[:, :3, :3], back[:, :3, 3], focal, np.array([160.0, 96]), points)
    frame, point = np.repeat(np.arange(frames), count), np.tile(np.arange(count), frames)
    exact, depth = reproject(scene, Observations(frame, point, np.zeros((len(frame), 2))))
    assert depth.min() > 0
    return scene, Observations(frame, point, exact + noise * rng.normal(size=exact.shape))


def _poses(scene):
    return inverse(rigid(scene.rotations, scene.translations))


def _disturbed(scene, log_focal, seed=1):
    rng = np.random.default_rng(seed)
    turned = rotation_exp(0.01 * rng.normal(size=(len(scene.rotations), 3))) @ scene.rotations
    return replace(
        scene,
        rotations=turned,
        translations=scene.translations + 0.03 * rng.normal(size=scene.translations.shape),
        points=scene.points + 0.05 * rng.normal(size=scene.points.shape),
        log_focal=log_focal,
    )


def test_shared_focal_length_and_cameras_are_found():
    truth, observations = _planted()
    weak = replace(OPTIONS, focal_prior=1e3)
    result = adjust(_disturbed(truth, np.log([185.0])), observations, weak)
    assert np.median(result.errors) < 1e-3
    accuracy = path_accuracy(_poses(result.scene), _poses(truth))
    assert accuracy.rotation_rmse_deg < 0.01
    assert accuracy.translation_rmse_relative < 1e-3
    assert np.exp(result.scene.log_focal[0]) == pytest.approx(200, rel=1e-3)


def test_a_zoom_is_found_frame_by_frame():
    truth, observations = _planted(zoom=1.3, noise=0.05)
    start = _disturbed(truth, np.full(len(truth.rotations), np.log(220.0)))
    result = adjust(start, observations, OPTIONS)
    assert np.abs(result.scene.focal / truth.focal - 1).max() < 0.02


def test_a_tenth_of_gross_outliers_changes_little():
    truth, observations = _planted(noise=0.05)
    pixels = observations.pixels.copy()
    pixels[::11] += 25  # eleven, so that no point is wrong throughout
    result = adjust(_disturbed(truth, truth.log_focal), replace(observations, pixels=pixels), OPTIONS)
    assert path_accuracy(_poses(result.scene), _poses(truth)).translation_rmse_relative < 5e-3
    assert result.errors[::11].min() > 10


def test_fixed_cameras_move_points_alone():
    truth, observations = _planted()
    start = replace(truth, points=truth.points + 0.05)
    result = adjust(start, observations, replace(OPTIONS, fixed_cameras=True))
    assert np.array_equal(result.scene.rotations, truth.rotations)
    assert np.allclose(result.scene.points, truth.points, atol=1e-5)


def test_the_cost_never_rises_and_a_point_behind_is_refused():
    truth, observations = _planted(noise=0.1)
    start = _disturbed(truth, truth.log_focal)
    costs = [adjust(start, observations, replace(OPTIONS, iterations=count)).cost for count in (1, 3, 6, 12)]
    assert costs == sorted(costs, reverse=True)


def test_unsorted_observations_are_refused():
    truth, observations = _planted()
    backwards = Observations(observations.frame[::-1], observations.point[::-1], observations.pixels[::-1])
    with pytest.raises(ValueError, match="sorted"):
        adjust(truth, backwards, OPTIONS)


def test_triangulation_finds_points_and_refuses_parallel_rays():
    truth, observations = _planted()
    found = triangulate(truth, observations, len(truth.points), min_angle=0.2)
    assert found.solid.all()
    assert np.allclose(found.points, truth.points, atol=1e-6)
    still = replace(truth, translations=-np.einsum("nij,j->ni", truth.rotations, np.array([0.0, 0, 0])))
    pixels, _ = reproject(still, observations)
    turning = triangulate(still, replace(observations, pixels=pixels), len(truth.points), min_angle=0.2)
    assert not turning.solid.any()
