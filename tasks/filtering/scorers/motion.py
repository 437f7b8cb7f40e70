"""Dense flow: how much the picture moves, and whether it is the camera that moves."""

from dataclasses import dataclass

import numpy as np

from tasks.filtering.scorers.protocol import Measure, StoredClip
from tasks.vision.flow import NAME, VERSION, flow_magnitude, texture

STILL_SHARE = 0.25  # a quarter of the textured pixels standing still is taken for a background at rest
TEXTURED_SHARE = 0.5  # flow of the smoother half of the pixels is mostly the flow's own smoothness


@dataclass(frozen=True)
class MotionScorer:
    """Two metrics of one flow engine, pixels of the stored size.

    ``flow``: mean displacement over ``flow_seconds``, the median of ``pairs`` frame pairs spread over the clip.
    ``background_motion``: the displacement that three quarters of the textured pixels exceed, the median over
    ``pairs`` pairs; the larger of those over each of ``baselines`` seconds. A camera at rest leaves the background
    in place however long one waits and whatever walks through the picture; a slow camera adds up.
    """

    flow_seconds: float
    baselines: tuple[float, ...]
    pairs: int
    name: str = NAME
    version: str = VERSION
    weights: str = ""

    def measure(self, clip: StoredClip) -> list[Measure]:
        """Both values."""
        step = _frames(clip, self.flow_seconds)
        means = [(float(flow_magnitude(clip.gray[i], clip.gray[i + step]).mean()), i) for i in self._starts(clip, step)]
        slowest = min(means)[1]
        moved = max(self._background(clip, _frames(clip, seconds)) for seconds in self.baselines)
        return [
            Measure("flow", float(np.median([mean for mean, _ in means])), slowest),
            Measure("background_motion", moved),
        ]

    def _background(self, clip: StoredClip, step: int) -> float:
        moved: list[float] = []
        for start in self._starts(clip, step):
            strength = texture(clip.gray[start])
            textured = strength >= np.quantile(strength, 1 - TEXTURED_SHARE)
            magnitude = flow_magnitude(clip.gray[start], clip.gray[start + step])
            moved.append(float(np.quantile(magnitude[textured], STILL_SHARE)))
        return float(np.median(moved))

    def _starts(self, clip: StoredClip, step: int) -> list[int]:
        return sorted({int(start) for start in np.linspace(0, len(clip.gray) - 1 - step, self.pairs)})


def _frames(clip: StoredClip, seconds: float) -> int:
    return min(max(1, round(seconds * clip.fps)), len(clip.gray) - 1)
