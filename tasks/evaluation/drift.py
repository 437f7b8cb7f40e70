"""Temporal degradation: image quality of the first window minus that of the last (App. D.3).

The paper scores windows with MUSIQ, which needs weights. The embedded scorer is a proxy of its own name and is never
shown as MUSIQ: it falls when frames blur, flatten or clip, which is how a rollout degrades.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from data_contracts.benchmark import DriftScore

SCORER = "sharpness_contrast_proxy_v1"
SHARP, CONTRAST = 400.0, 60.0


def frame_quality(frame: UInt8[ndarray, "height width 3"]) -> float:
    """Quality in [0, 1]: geometric mean of sharpness, contrast and the share of pixels that are not clipped.

    Sharpness is the variance of the Laplacian ``v`` as ``v / (v + 400)``, contrast the deviation of luma ``s`` as
    ``s / (s + 60)``.
    """
    luma = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    sharpness = float(cv2.Laplacian(luma, cv2.CV_64F).var())
    contrast = float(luma.std())
    usable = float(np.mean((luma > 4) & (luma < 251)))
    return float(np.cbrt(sharpness / (sharpness + SHARP) * contrast / (contrast + CONTRAST) * usable))


def window_qualities(frames: UInt8[ndarray, "frames height width 3"], window: int) -> list[float]:
    """Mean quality of each whole, non-overlapping window; a shorter video is one window."""
    qualities = np.array([frame_quality(frame) for frame in frames])
    count = max(1, len(frames) // window)
    return [float(qualities[index * window : (index + 1) * window].mean()) for index in range(count)]


def drift_score(windows: Sequence[Sequence[float]]) -> DriftScore:
    """Mean over videos of the first and the last window, and their difference (positive = it got worse)."""
    first = float(np.mean([video[0] for video in windows]))
    last = float(np.mean([video[-1] for video in windows]))
    count = min(len(video) for video in windows)
    return DriftScore(
        scorer=SCORER, windows=count, first=round(first, 6), last=round(last, 6), delta=round(first - last, 6)
    )
