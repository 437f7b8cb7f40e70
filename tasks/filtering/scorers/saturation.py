"""Mean color saturation (App. B.3 of the paper)."""

import cv2
import numpy as np

from tasks.filtering.scorers.protocol import Measure, StoredClip


class SaturationScorer:
    """``saturation``: mean S of HSV on 0..255 over all pixels of all frames; the worst frame is the most saturated."""

    name = "hsv_mean"
    version = "1"
    weights = ""

    def measure(self, clip: StoredClip) -> list[Measure]:
        """One value."""
        means = np.array([cv2.cvtColor(frame, cv2.COLOR_RGB2HSV)[..., 1].mean() for frame in clip.frames])
        return [Measure("saturation", float(means.mean()), int(means.argmax()))]
