"""Dense flow: how much the picture moves."""

from dataclasses import dataclass

import numpy as np

from tasks.filtering.scorers.protocol import Measure, StoredClip
from tasks.vision.flow import NAME, VERSION, flow_magnitude


@dataclass(frozen=True)
class MotionScorer:
    """One metric, pixels of the stored size.

    ``flow``: mean displacement over ``flow_seconds``, the median of ``pairs`` frame pairs spread over the clip.
    """

    flow_seconds: float
    pairs: int
    name: str = NAME
    version: str = VERSION
    weights: str = ""

    def measure(self, clip: StoredClip) -> list[Measure]:
        """The value, and the first frame of the slowest pair."""
        last = len(clip.gray) - 1
        step = min(max(1, round(self.flow_seconds * clip.fps)), last)
        starts = sorted({int(start) for start in np.linspace(0, last - step, self.pairs)})
        means = [float(flow_magnitude(clip.gray[i], clip.gray[i + step]).mean()) for i in starts]
        return [Measure("flow", float(np.median(means)), starts[int(np.argmin(means))])]
