"""Metric scale: per-frame weighted least squares (App. B.1), its variation, and the scale of the clip."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from data_contracts.camera import ScaleSource
from tasks.pose.config import PoseConfig, ScaleSmoothing, ScaleWeight

EPS = 1e-8
TRIM = 0.25  # relative distance from the frame's median ratio beyond which a pair is a mismatch


@dataclass(frozen=True)
class DepthPairs:
    """Depths of the same points of one frame: ``predicted`` in the engine's unit, ``metric`` in metres."""

    frame: int
    predicted: Float[np.ndarray, " points"]
    metric: Float[np.ndarray, " points"]


@dataclass(frozen=True)
class RawScales:
    """s_t of the frames that have enough pairs, metres per unit, unsmoothed."""

    frames: np.ndarray
    values: Float[np.ndarray, " frames"]

    @property
    def variation(self) -> float | None:
        """``std(s_t) / (mean(s_t) + eps)`` (App. B.3); None for fewer than two frames."""
        if len(self.values) < 2:
            return None
        return float(self.values.std() / (self.values.mean() + EPS))


@dataclass(frozen=True)
class ClipScale:
    """The scale of a clip (metres per unit), what gave it, and the raw scales behind it."""

    value: float
    source: ScaleSource
    raw: RawScales


def fit_scale(pairs: DepthPairs, weight: ScaleWeight) -> float:
    """``argmin_s sum w (s a - b)^2 = sum w a b / sum w a^2`` with ``w = 1/a`` (predicted) or ``1/b`` (metric)."""
    predicted, metric = pairs.predicted, pairs.metric
    weights = 1.0 / (predicted if weight is ScaleWeight.PREDICTED else metric)
    return float((weights * predicted * metric).sum() / (weights * predicted**2).sum())


def raw_scales(pairs: Sequence[DepthPairs], config: PoseConfig) -> RawScales:
    """s_t of every frame with at least ``min_scale_points`` pairs that agree with the frame's median ratio."""
    frames, values = [], []
    for one in pairs:
        kept = trim(one)
        if len(kept.predicted) >= config.min_scale_points:
            frames.append(one.frame)
            values.append(fit_scale(kept, config.scale_weight))
    return RawScales(np.array(frames, dtype=np.int64), np.array(values, dtype=np.float64))


def trim(pairs: DepthPairs) -> DepthPairs:
    """Without pairs that are no depth, or whose ratio is far from the frame's median ratio (two surfaces in one)."""
    known = (pairs.predicted > 0) & (pairs.metric > 0) & np.isfinite(pairs.predicted) & np.isfinite(pairs.metric)
    predicted, metric = pairs.predicted[known], pairs.metric[known]
    if len(predicted) == 0:
        return DepthPairs(pairs.frame, predicted, metric)
    ratio = metric / predicted
    close = np.abs(ratio / np.median(ratio) - 1) <= TRIM
    return DepthPairs(pairs.frame, predicted[close], metric[close])


def smooth_scale(raw: RawScales, config: PoseConfig) -> float:
    """One scale of the raw ones: their median, or the mean of their exponential moving average.

    The average starts at the median of the first three, because at momentum 0.99 a bad first frame would last.
    """
    if config.scale_smoothing is ScaleSmoothing.MEDIAN:
        return float(np.median(raw.values))
    state, smoothed = float(np.median(raw.values[:3])), []
    for value in raw.values:
        state = config.scale_momentum * state + (1 - config.scale_momentum) * float(value)
        smoothed.append(state)
    return float(np.mean(smoothed))


def prior_scale(path_length: float, median_depth: float, travelled_m: float, config: PoseConfig) -> float:
    """Scale that makes the path as long as the source's typical speed says, capped by the scene's depth.

    Args:
        path_length: of the camera centres, engine units.
        median_depth: of the structure, engine units; 0 = unknown.
        travelled_m: typical speed times duration, metres.
        config: holds the deepest median allowed.
    """
    by_path = travelled_m / path_length if path_length > 0 else np.inf
    by_depth = config.max_prior_depth_m / median_depth if median_depth > 0 else np.inf
    scale = min(by_path, by_depth)
    return float(scale) if np.isfinite(scale) else 1.0
