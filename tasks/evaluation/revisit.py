"""Revisit memory: does the world look the same when the camera comes back? (App. D.3)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from data_contracts.benchmark import RevisitPair, RevisitScore
from tasks.evaluation.image_metrics import psnr, ssim

REFERENCE_FPS = 16.0
PAIRS_PER_SCENE = 5


def video_frame(reference_index: int, fps: float, frames: int) -> int:
    """The frame of a video at ``fps`` that shows reference frame ``i`` of the 16 fps path: ``round(i fps / 16)``."""
    return min(frames - 1, round(reference_index / REFERENCE_FPS * fps))


def revisit_values(
    frames: UInt8[ndarray, "frames height width 3"], fps: float, pairs: Sequence[RevisitPair]
) -> list[tuple[float, float]]:
    """PSNR and SSIM of the best five pairs of a scene; a pair that falls on one frame is left out."""
    values = []
    for pair in sorted(pairs, key=lambda pair: pair.quality_score)[:PAIRS_PER_SCENE]:
        first, second = (video_frame(index, fps, len(frames)) for index in (pair.frame_a, pair.frame_b))
        if first != second:
            values.append((psnr(frames[first], frames[second]), ssim(frames[first], frames[second])))
    return values


def revisit_score(values: Sequence[tuple[float, float]]) -> RevisitScore:
    """Mean over all pairs of all scenes."""
    if not values:
        return RevisitScore(pairs=0, psnr=None, ssim=None)
    means = np.mean(np.array(values), axis=0)
    return RevisitScore(pairs=len(values), psnr=round(float(means[0]), 4), ssim=round(float(means[1]), 6))
