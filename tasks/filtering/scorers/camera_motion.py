"""How fast the camera turns and travels, apart from what moves in front of it."""

from dataclasses import dataclass

import numpy as np

from tasks.filtering.scorers.protocol import Measure, StoredClip
from tasks.vision.corner_flow import CornerFlow, corner_flow
from tasks.vision.egomotion import egomotion

SPAN = 2.5  # seconds; a hand's sway and a step's shake return within 2
LONGEST = 1.0  # seconds between the frames of a pair; later a hand's sway is on its way back
CLEAR = 1.0  # pixels of typical displacement, three times what passes for rest; at more, what is near has left already


@dataclass(frozen=True)
class CameraMotionScorer:
    """One metric, 1/s.

    ``camera_speed``: the faster of two rates, rad/s of turning and distances to the scene travelled per second, each
    the length of its mean vector over a span; the mean over ``spans``. What returns within a span counts for nothing:
    a camera at rest has 0, a swaying one little, a carried one more, a driven one most.
    """

    spans: int
    pairs: int
    name: str = "ego_motion"
    version: str = "1"
    weights: str = ""

    def measure(self, clip: StoredClip) -> list[Measure]:
        """The value, and the first frame of the slowest span. A clip with nothing to follow has 0."""
        last = len(clip.gray) - 1
        length = min(last, round(SPAN * clip.fps))
        count = max(1, min(self.spans, last // max(1, length)))
        starts = np.linspace(0, last - length, count).astype(int)
        speeds = [self._speed(clip, int(start), length) for start in starts]
        return [Measure("camera_speed", float(np.mean(speeds)), int(starts[np.argmin(speeds)]))]

    def _speed(self, clip: StoredClip, start: int, length: int) -> float:
        rates: list[np.ndarray] = []
        for first in np.unique(np.linspace(start, start + length - 1, self.pairs).astype(int)):
            flow, step = _clear_flow(clip, int(first))
            moved = egomotion(flow, *clip.gray.shape[1:])
            if moved is not None:
                rates.append(np.stack([moved.turn, moved.travel]) * clip.fps / step)
        return float(np.linalg.norm(np.mean(rates, axis=0), axis=1).max()) if rates else 0.0


def _clear_flow(clip: StoredClip, first: int) -> tuple[CornerFlow, int]:
    """Flow from about frame ``first`` on, and over how many frames: the slower, the more, to stand clear of noise."""
    last = len(clip.gray) - 1
    most = min(last, round(LONGEST * clip.fps))
    flow = corner_flow(clip.gray[first], clip.gray[first + 1])
    step = most if flow.typical_length * most < CLEAR else round(CLEAR / flow.typical_length)
    if step <= 1:
        return flow, 1
    first = min(first, last - step)
    return corner_flow(clip.gray[first], clip.gray[first + step]), step
