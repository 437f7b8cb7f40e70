"""Alignment recovers a planted Sim(3), agrees with evo, and behaves at the degenerate paths."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.geometry.alignment import (
    AlignmentError,
    Similarity,
    align_benchmark,
    align_orientations,
    umeyama,
    umeyama_inliers,
)
from model.geometry.pose_metrics import benchmark_errors, path_accuracy, umeyama_errors
from model.geometry.rotations import rotation_exp, rotation_from_quaternion
from model.geometry.se3 import rigid, se3_exp

TRAJECTORIES = Path(__file__).parents[3].parent / "shared" / "data" / "traj"


def _wander(seed, frames=40):
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(frames, 6)) * np.array([0.1, 0.1, 0.1, 0.03, 0.03, 0.03])
    poses = np.eye(4)[None].repeat(frames, 0)
    for index, step in enumerate(se3_exp(steps)[1:], start=1):
        poses[index] = poses[index - 1] @ step
    return poses


def _planted(seed, scale):
    rng = np.random.default_rng(seed)
    return Similarity(scale, rotation_exp(rng.normal(size=3)), rng.normal(size=3))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.02, 50.0))
def test_a_planted_similarity_is_recovered(seed, scale):
    truth, planted = _wander(seed), _planted(seed + 1, scale)
    estimate = planted.poses(truth)
    for errors in (umeyama_errors(estimate, truth), benchmark_errors(estimate, truth)):
        assert errors.rotation_deg < 1e-6
        assert errors.translation < 1e-8
        assert errors.scale * scale == pytest.approx(1.0, rel=1e-8)
    fit = umeyama(truth[:, :3, 3], estimate[:, :3, 3])
    assert fit.similarity.scale == pytest.approx(scale, rel=1e-9)
    assert np.allclose(fit.similarity.rotation, planted.rotation, atol=1e-9)
    assert align_orientations(truth, estimate).scale == pytest.approx(scale, rel=1e-9)


def test_inlier_filter_drops_what_does_not_fit():
    truth = _wander(3, frames=60)
    centres = truth[:, :3, 3]
    moved = _planted(4, 2.5).points(centres)
    moved[::10] += 3.0
    assert abs(umeyama(centres, moved).similarity.scale - 2.5) > 1e-3
    refit = umeyama_inliers(centres, moved)
    assert refit.similarity.scale == pytest.approx(2.5, rel=1e-3) or refit.rms < umeyama(centres, moved).rms / 2
    assert not refit.inliers[::10].all()


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (np.zeros((5, 3)), np.ones((5, 3)), "never moves"),
        (np.full((5, 3), 7.25), np.ones((5, 3)), "never moves"),
        (np.eye(3)[:2], np.eye(3)[:2], "at least 3"),
        (np.full((4, 3), np.nan), np.ones((4, 3)), "not finite"),
    ],
)
def test_what_cannot_be_aligned_is_refused(source, target, message):
    with pytest.raises(AlignmentError, match=message):
        umeyama(source, target)


def test_dolly_umeyama_loses_the_rotation_and_says_so():
    """A straight dolly with a millimetre of noise: the benchmark's alignment reads 0 degrees, centres alone do not."""
    truth = rigid(np.eye(3)[None].repeat(50, 0), np.linspace(0, 5, 50)[:, None] * np.array([0.0, 0, 1]))
    estimate = truth.copy()
    estimate[:, :3, 3] += np.random.default_rng(0).normal(size=(50, 3)) * 1e-3
    assert umeyama(estimate[:, :3, 3], truth[:, :3, 3]).collinear
    assert benchmark_errors(estimate, truth).rotation_deg < 1e-9
    assert umeyama_errors(estimate, truth).rotation_deg > 1.0
    assert path_accuracy(estimate, truth).rotation_rmse_deg < 1e-6


def test_yaw_drift_leaks_into_the_benchmark_translation_only():
    frames = 100
    truth = rigid(np.eye(3)[None].repeat(frames, 0), _wander(5, frames)[:, :3, 3] * 5)
    drift = rotation_exp(np.linspace(0, np.radians(30), frames)[:, None] * np.array([0.0, 1, 0]))
    estimate = rigid(drift, truth[:, :3, 3])
    assert umeyama_errors(estimate, truth).translation < 1e-9
    assert benchmark_errors(estimate, truth).translation > 0.05


def test_a_static_estimate_is_flagged_not_scored():
    truth = _wander(6)
    static = np.eye(4)[None].repeat(len(truth), 0)
    static[:, :3, 3] = np.random.default_rng(1).normal(size=(len(truth), 3)) * 1e-9
    alignment = align_benchmark(static, truth)
    assert benchmark_errors(static, truth).valid == (alignment.scale > 0)
    reversed_path = truth.copy()
    reversed_path[:, :3, 3] *= -1
    assert not benchmark_errors(reversed_path, truth).valid


@pytest.mark.skipif(not TRAJECTORIES.is_dir(), reason="needs the shared trajectories")
@pytest.mark.parametrize("mode", ["se3", "sim3"])
@pytest.mark.parametrize("name", ["rgbdslam", "rgbdslam_drift", "ORB_kf_mono"])
def test_equal_to_evo(name, mode):
    expected = json.loads((TRAJECTORIES / "expected_evo.json").read_text())["results"][f"freiburg1_xyz-{name}.txt"][
        mode
    ]
    truth_times, truth = _read_tum(TRAJECTORIES / "freiburg1_xyz-groundtruth.txt")
    times, estimate = _read_tum(TRAJECTORIES / f"freiburg1_xyz-{name}.txt")
    nearest = np.abs(truth_times[None] - times[:, None]).argmin(1)
    keep = np.abs(truth_times[nearest] - times) <= 0.01
    assert int(keep.sum()) == expected["pairs"]
    errors = umeyama_errors(estimate[keep], truth[nearest][keep], with_scale=mode == "sim3")
    paper = expected["paper_metrics"]
    assert errors.rotation_deg == pytest.approx(paper["RotErr_deg_mean"], rel=1e-6)
    assert errors.translation == pytest.approx(paper["TransErr_m_mean"], rel=1e-6)
    assert errors.camera_motion == pytest.approx(paper["CamMC_mean"], rel=1e-6)
    assert errors.scale == pytest.approx(paper["scale"], rel=1e-9)


def _read_tum(path):
    rows = np.loadtxt(path)
    return rows[:, 0], rigid(rotation_from_quaternion(rows[:, [7, 4, 5, 6]]), rows[:, 1:4])
