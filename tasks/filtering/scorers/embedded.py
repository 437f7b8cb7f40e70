"""The scorers of the embedded profile: classical, no weights. A changed setting is a new version."""

from tasks.filtering.scorers.camera_motion import CameraMotionScorer
from tasks.filtering.scorers.cuts import CutScorer
from tasks.filtering.scorers.luma import LumaScorer
from tasks.filtering.scorers.motion import MotionScorer
from tasks.filtering.scorers.protocol import Scorer
from tasks.filtering.scorers.quality import QualityScorer
from tasks.filtering.scorers.saturation import SaturationScorer
from tasks.filtering.scorers.scene_detect import SceneDetectScorer
from tasks.filtering.scorers.vmaf_motion import VmafMotionScorer


def embedded_scorers() -> tuple[Scorer, ...]:
    """Every scorer that needs nothing but the clip."""
    return (
        LumaScorer(),
        SaturationScorer(),
        VmafMotionScorer(),
        CutScorer(),
        SceneDetectScorer(),
        MotionScorer(flow_seconds=0.125, pairs=6),
        CameraMotionScorer(spans=4, pairs=8),
        QualityScorer(),
    )
