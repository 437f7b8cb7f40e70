"""Scene cuts that no track survives: ours, for every source."""

from tasks.filtering.scorers.protocol import Measure, StoredClip
from tasks.vision import cuts


class CutScorer:
    """``scene_cuts``: number of hard cuts; the worst frame is the first after the first cut."""

    name = cuts.NAME
    version = cuts.VERSION
    weights = ""

    def measure(self, clip: StoredClip) -> list[Measure]:
        """One value."""
        found = cuts.find_cuts(clip.frames, clip.fps)
        return [Measure("scene_cuts", float(len(found)), found[0] if found else -1)]
