"""Scene cuts by PySceneDetect as it comes (App. B.3, Table 6).

The paper names the library and no detector: this is its adaptive one with its defaults, which takes a fast turn of the
camera less often for a cut than the content detector does.
"""

from tasks.filtering.scorers.protocol import Measure, StoredClip


class SceneDetectScorer:
    """``scene_cuts``: number of cuts between the scenes that the library finds in the stored file."""

    name = "pyscenedetect"
    version = "2"
    weights = ""

    def measure(self, clip: StoredClip) -> list[Measure]:
        """One value; the worst frame is the first after the first cut."""
        from scenedetect import AdaptiveDetector, detect

        starts = [scene[0].frame_num for scene in detect(str(clip.media), AdaptiveDetector())][1:]
        return [Measure("scene_cuts", float(len(starts)), starts[0] if starts else -1)]
