"""Camera scores (App. B.3): fields of view, focal mismatch, scale variation, smoothness, and whether poses exist."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from safetensors.numpy import load_file

from data_contracts.annotations import read_annotations
from data_contracts.camera import PoseRow, PoseStatus
from data_contracts.clip import ClipRow
from data_contracts.quality import ScoreRow

ENGINE_SCORER, INTRINSICS_SCORER, VERSION = "pose", "intrinsics", "1"


def pose_scores(row: ClipRow, pose: PoseRow | None) -> list[ScoreRow]:
    """What the pose engine reports of one clip that the screen let through; a missing row is a failure."""
    failed = pose is None or pose.status is PoseStatus.FAILED
    detail = "" if pose is None else " ".join(filter(None, (pose.reason.value, pose.detail)))
    scores = [_score(row, "pose_failed", ENGINE_SCORER, float(failed), detail if failed else "")]
    if pose is None:
        return scores
    measures = {
        "scale_cov": pose.scale_cov,
        "rotation_jerk_deg": pose.rotation_jerk_deg,
        "translation_jerk": pose.translation_jerk,
    }
    return scores + [
        _score(row, metric, ENGINE_SCORER, value) for metric, value in measures.items() if value is not None
    ]


def intrinsics_scores(row: ClipRow, pose: PoseRow | None, ingest: Path) -> list[ScoreRow]:
    """Smallest and largest field of view (degrees, both axes, all frames) and largest focal mismatch.

    Of the intrinsics the source declares where it declares them, else of the estimated ones.
    """
    path = ingest / "annotations" / f"{row.clip_id}.safetensors"
    declared = read_annotations(path).intrinsics if path.is_file() else None
    if declared is not None and np.isfinite(declared).all() and (declared[:, :2] > 0).all():
        return measure_intrinsics(row, declared)
    if pose is None or pose.fov_x_min is None:
        return []
    smallest = [value for value in (pose.fov_x_min, pose.fov_y_min) if value is not None]
    largest = [value for value in (pose.fov_x_max, pose.fov_y_max) if value is not None]
    scores = [
        _score(row, "fov_smallest", INTRINSICS_SCORER, min(smallest), "estimated"),
        _score(row, "fov_largest", INTRINSICS_SCORER, max(largest), "estimated"),
    ]
    if pose.focal_mismatch is not None:
        scores.append(_score(row, "focal_mismatch", INTRINSICS_SCORER, pose.focal_mismatch, "estimated"))
    return scores


def rendered_scores(row: ClipRow, splat: Path) -> list[ScoreRow]:
    """The same of a rendered clip, whose cameras are exact."""
    tensors = load_file(splat / "poses" / f"{row.clip_id}.safetensors")
    return measure_intrinsics(row, tensors["intrinsics"])


def measure_intrinsics(row: ClipRow, intrinsics: Float[np.ndarray, "frames 4"]) -> list[ScoreRow]:
    """App. B.3: theta = 2 arctan(size / 2f) on both axes, and |fx - fy| / ((fx + fy) / 2)."""
    fx, fy = intrinsics[:, 0], intrinsics[:, 1]
    views = np.degrees(2 * np.arctan(np.stack([row.width / (2 * fx), row.height / (2 * fy)])))
    mismatch = np.abs(fx - fy) / ((fx + fy) / 2)
    smallest, largest = views.min(axis=0), views.max(axis=0)
    return [
        _score(row, "fov_smallest", INTRINSICS_SCORER, smallest.min(), "declared", int(smallest.argmin())),
        _score(row, "fov_largest", INTRINSICS_SCORER, largest.max(), "declared", int(largest.argmax())),
        _score(row, "focal_mismatch", INTRINSICS_SCORER, mismatch.max(), "declared", int(mismatch.argmax())),
    ]


def by_path(poses: Sequence[PoseRow]) -> dict[str, PoseRow]:
    """Pose rows by the listed input they belong to."""
    return {pose.path: pose for pose in poses}


def _score(row: ClipRow, metric: str, scorer: str, value: float, detail: str = "", frame: int = -1) -> ScoreRow:
    return ScoreRow(
        clip_id=row.clip_id,
        path=row.path,
        metric=metric,
        scorer=scorer,
        scorer_version=VERSION,
        resolution="source",
        value=round(float(value), 6),
        worst_frame=frame,
        detail=detail,
    )
