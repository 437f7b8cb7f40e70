"""Ranking candidates of one request without any network: is there a picture, is it sharp, does it stay the same place.

The score compares a video with its own first frame. It does not know whether the camera went where it was told, nor
whether the prompt was followed; it drops what is broken and prefers what decays least.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from model.generation.health import is_black

Frames = UInt8[ndarray, "frames height width 3"]
SAMPLES = 12
DRIFT_SCALE = 32.0
"""Gray levels of drift that cost a factor of e."""
LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class CandidateScore:
    """Each part is in 0..1, 1 is best.

    Attributes:
        seed: of the candidate.
        sharpness: Laplacian energy of the frames over that of the first frame, whichever way it departs from 1.
        steadiness: exp of minus the drift of mean color and contrast from the first tenth to the last.
        continuity: median step from frame to frame over the largest one: low when a frame jumps.
        black: whether any sampled stretch is black; the score is then 0.
    """

    seed: int
    sharpness: float
    steadiness: float
    continuity: float
    black: bool

    @property
    def total(self) -> float:
        """Geometric mean, so that one bad part cannot be bought off by the others."""
        return 0.0 if self.black else float((self.sharpness * self.steadiness * self.continuity) ** (1 / 3))


def score_video(frames: Frames, seed: int) -> CandidateScore:
    """Score one candidate; the same frames give the same score."""
    chosen = frames[np.unique(np.linspace(0, len(frames) - 1, SAMPLES).round().astype(int))]
    gray = chosen.astype(np.float64) @ LUMA
    return CandidateScore(
        seed=seed,
        sharpness=_sharpness(gray),
        steadiness=_steadiness(frames),
        continuity=_continuity(frames),
        black=any(is_black(one[None]) for one in chosen[1:]),
    )


def best(scores: Sequence[CandidateScore], keep: int) -> list[CandidateScore]:
    """The ``keep`` best, best first; equal scores in order of their seeds.

    Raises:
        ValueError: ``keep`` is not 1 to the number of scores.
    """
    if not 1 <= keep <= len(scores):
        raise ValueError(f"keep is {keep}, must be 1 to {len(scores)}")
    return sorted(scores, key=lambda score: (-score.total, score.seed))[:keep]


def _sharpness(gray: Float[ndarray, "samples height width"]) -> float:
    laplacian = (
        4 * gray[:, 1:-1, 1:-1] - gray[:, :-2, 1:-1] - gray[:, 2:, 1:-1] - gray[:, 1:-1, :-2] - gray[:, 1:-1, 2:]
    )
    energy = laplacian.var(axis=(1, 2)) + 1e-6
    return float(np.exp(-np.abs(np.log(energy[1:] / energy[0])).mean())) if len(energy) > 1 else 1.0


def _steadiness(frames: Frames) -> float:
    part = max(1, len(frames) // 10)
    start, end = frames[:part].astype(np.float64), frames[-part:].astype(np.float64)
    color = np.abs(start.mean(axis=(0, 1, 2)) - end.mean(axis=(0, 1, 2))).max()
    return float(np.exp(-max(color, abs(start.std() - end.std())) / DRIFT_SCALE))


def _continuity(frames: Frames) -> float:
    if len(frames) < 3:
        return 1.0
    small = frames[:, ::4, ::4].astype(np.int16)
    steps = np.abs(np.diff(small, axis=0)).mean(axis=(1, 2, 3)) + 1e-3
    return float(np.median(steps) / steps.max())
