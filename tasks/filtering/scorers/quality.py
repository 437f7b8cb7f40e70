"""A technical-quality score without weights. Ours: it is not DOVER and is never shown as such."""

import cv2
import numpy as np

from tasks.filtering.scorers.protocol import Measure, StoredClip

FLAT_CONTRAST = 8.0  # gray levels of standard deviation below which a picture counts as flat
PICTURES = 7


class QualityScorer:
    """``technical_quality``: 0 to 1, the product of three shares, the mean over a few frames.

    Sharpness is 1 - the blur measure of Crete et al. (2007): how much of the neighbour differences a 9-tap blur
    takes away. Exposure is the share of pixels that are neither black nor white. Contrast is the standard deviation of
    luma over 8 gray levels, at most 1.
    """

    name = "classical_quality"
    version = "1"
    weights = ""

    def measure(self, clip: StoredClip) -> list[Measure]:
        """One value."""
        indices = np.unique(np.linspace(0, len(clip.gray) - 1, PICTURES).astype(int))
        scores = np.array([picture_quality(clip.gray[index]) for index in indices])
        return [Measure("technical_quality", float(scores.mean()), int(indices[scores.argmin()]))]


def picture_quality(gray: np.ndarray) -> float:
    """The score of one picture, H W, 0..255."""
    exposed = float(np.mean((gray > 3) & (gray < 252)))
    contrast = min(1.0, float(gray.std()) / FLAT_CONTRAST)
    return (1 - _blur(gray.astype(np.float32))) * exposed * contrast


def _blur(gray: np.ndarray) -> float:
    worst = 0.0
    for axis, kernel in ((0, (1, 9)), (1, (9, 1))):
        sharp = np.abs(np.diff(gray, axis=axis))
        softened = np.abs(np.diff(cv2.blur(gray, kernel), axis=axis))
        lost = np.maximum(0, sharp - softened).sum()
        total = sharp.sum()
        worst = max(worst, float((total - lost) / total) if total > 0 else 1.0)
    return worst
