"""Mean luma: finds black clips."""

from tasks.filtering.scorers.protocol import Measure, StoredClip


class LumaScorer:
    """``luma``: mean over all pixels of all frames, 0 (black) to 255; the worst frame is the darkest."""

    name = "luma_mean"
    version = "1"
    weights = ""

    def measure(self, clip: StoredClip) -> list[Measure]:
        """One value."""
        means = clip.gray.mean(axis=(1, 2), dtype=float)
        return [Measure("luma", float(means.mean()), int(means.argmin()))]
