"""Metrics of the paper that the embedded profile does not measure: listed with the reason, never as a number."""

from data_contracts.benchmark import NotRun
from tasks.evaluation.vbench import Dimension

WEIGHTS = {
    Dimension.SUBJECT_CONSISTENCY: "DINO ViT-B/16",
    Dimension.BACKGROUND_CONSISTENCY: "CLIP ViT-B/32",
    Dimension.TEMPORAL_FLICKERING: "VBench's own environment (it pins another NumPy)",
    Dimension.MOTION_SMOOTHNESS: "AMT-S",
    Dimension.AESTHETIC_QUALITY: "CLIP ViT-L/14 and the LAION aesthetic head",
    Dimension.IMAGING_QUALITY: "MUSIQ-SPAQ",
    Dimension.DYNAMIC_DEGREE: "RAFT",
}


def metrics_not_run() -> list[NotRun]:
    """Every metric of Tables 2 and 8 that needs weights."""
    dimensions = [
        NotRun(metric=f"vbench_{dimension.value}", reason=f"needs {needed}; the embedded profile downloads no weights")
        for dimension, needed in WEIGHTS.items()
    ]
    others = [
        NotRun(metric="vbench_overall_consistency", reason="needs ViCLIP; the embedded profile downloads no weights"),
        NotRun(metric="vbench_overall", reason="aggregates seven dimensions of which none was run"),
        NotRun(metric="revisit_lpips", reason="needs AlexNet and LPIPS weights; the embedded profile downloads none"),
        NotRun(
            metric="pose_pi3x", reason="needs Pi3X (CC BY-NC 4.0 weights); poses are by the embedded estimator instead"
        ),
        NotRun(
            metric="drift_imaging_quality",
            reason="needs MUSIQ-SPAQ; drift is by the embedded proxy instead, whose name stands beside it",
        ),
    ]
    return dimensions + others
