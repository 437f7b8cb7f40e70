"""Metric scale: the weighted fit of App. B.1, its variation on raw values, robustness, and the prior."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from tasks.pose.config import PoseConfig, ScaleSmoothing, ScaleWeight
from tasks.pose.scale import DepthPairs, RawScales, fit_scale, prior_scale, raw_scales, smooth_scale, trim

RECIPES = Path(__file__).parents[3] / "workflows" / "recipes"
CONFIG = PoseConfig(**yaml.safe_load((RECIPES / "tiny" / "pose.yaml").read_text()))


def _pairs(scale=2.5, count=200, noise=0.02, seed=0, frame=0):
    rng = np.random.default_rng(seed)
    predicted = rng.uniform(0.5, 4, count)
    return DepthPairs(frame, predicted, scale * predicted * (1 + noise * rng.normal(size=count)))


@pytest.mark.parametrize("weight", list(ScaleWeight))
def test_the_fit_is_the_minimum_of_the_papers_sum(weight):
    pairs = _pairs(noise=0.1)
    weights = 1 / (pairs.predicted if weight is ScaleWeight.PREDICTED else pairs.metric)
    best = minimize_scalar(
        lambda s: (weights * (s * pairs.predicted - pairs.metric) ** 2).sum(), bounds=(0.1, 10), method="bounded",
        options={"xatol": 1e-10},
    )  # fmt: skip
    assert fit_scale(pairs, weight) == pytest.approx(best.x, rel=1e-6)


def test_weight_by_the_predicted_depth_is_a_ratio_of_sums():
    pairs = _pairs(noise=0.1)
    assert fit_scale(pairs, ScaleWeight.PREDICTED) == pytest.approx(pairs.metric.sum() / pairs.predicted.sum())


@given(st.floats(0.01, 100))
def test_a_planted_scale_is_recovered(scale):
    assert fit_scale(_pairs(scale), ScaleWeight.PREDICTED) == pytest.approx(scale, rel=0.01)


def test_mismatches_infinities_and_holes_never_enter_the_fit():
    pairs = _pairs(noise=0.0)
    metric = pairs.metric.copy()
    metric[:20] *= 3
    metric[20], metric[21] = np.inf, 0.0
    assert fit_scale(trim(DepthPairs(0, pairs.predicted, metric)), ScaleWeight.PREDICTED) == pytest.approx(2.5)


def test_variation_is_of_raw_scales_and_frames_with_few_pairs_give_none():
    pairs = [_pairs(scale, frame=8 * index, seed=index) for index, scale in enumerate([1, 1, 1, 1, 1, 1, 1, 1, 1, 40])]
    pairs.append(_pairs(count=3, frame=80))
    raw = raw_scales(pairs, CONFIG)
    assert raw.frames.tolist() == [0, 8, 16, 24, 32, 40, 48, 56, 64, 72]
    assert raw.variation == pytest.approx(np.std(raw.values) / np.mean(raw.values), rel=1e-6)
    assert raw.variation > 2.0
    assert smooth_scale(raw, CONFIG) == pytest.approx(1.0, rel=0.02)
    assert RawScales(np.array([0]), np.array([1.0])).variation is None


def test_the_moving_average_forgets_slowly_and_starts_robustly():
    config = CONFIG.model_copy(update={"scale_smoothing": ScaleSmoothing.EMA})
    values = np.r_[100.0, np.full(60, 2.0)]
    assert smooth_scale(RawScales(np.arange(61), values), config) < 3.0
    assert smooth_scale(RawScales(np.arange(60), np.full(60, 2.0)), config) == pytest.approx(2.0)


def test_the_prior_gives_the_typical_speed_but_no_endless_depth():
    assert prior_scale(2.0, 1.0, 6.0, CONFIG) == pytest.approx(3.0)
    assert prior_scale(1e-6, 2.0, 6.0, CONFIG) == pytest.approx(CONFIG.max_prior_depth_m / 2.0)
    assert prior_scale(0.0, 0.0, 6.0, CONFIG) == 1.0


def test_both_profiles_hold_the_same_keys():
    paper = yaml.safe_load((RECIPES / "paper" / "pose.yaml").read_text())
    assert set(paper) == set(PoseConfig.model_fields) == set(CONFIG.model_dump())
    assert PoseConfig(**paper).scale_momentum == 0.99
    assert PoseConfig(**paper).inlier_percentile == 80
