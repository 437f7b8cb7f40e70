"""Scene cuts by PySceneDetect (App. B.3, Table 6)."""

from dataclasses import dataclass

from tasks.filtering.scorers.protocol import Measure, StoredClip
from tasks.vision import cuts


@dataclass(frozen=True)
class CutScorer:
    """``scene_cuts``: number of hard cuts; the worst frame is the first after the first cut."""

    threshold: float
    shortest_scene: int
    name: str = cuts.NAME
    version: str = cuts.VERSION

    def measure(self, clip: StoredClip) -> list[Measure]:
        """One value."""
        found = cuts.find_cuts(clip.frames, clip.fps, self.threshold, self.shortest_scene)
        return [Measure("scene_cuts", float(len(found)), found[0] if found else -1)]
