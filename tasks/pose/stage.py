"""``pose``: a metric camera for every frame of every clip that the screen let through."""

from collections.abc import Sequence

import numpy as np

from data_contracts.camera import PoseRow, PoseStatus, ScaleSource
from data_contracts.clip import ClipRow, ClipStatus, ItemKind
from data_contracts.quality import VerdictRow
from data_contracts.report import StageSummary
from infra.stage import ClipJob, StageContext, copy_files, map_clips
from tasks.pose.config import PoseConfig
from tasks.pose.work import PoseWork, pose_clip
from tasks.vision.tables import read_table, write_table

LOST = (ClipStatus.REJECTED, ClipStatus.QUARANTINED)


def run_pose(context: StageContext[PoseConfig]) -> StageSummary:
    """Read ``ingest`` and ``screen``, write the artifact ``pose`` (``docs/artifacts.md``)."""
    rows = clips_to_pose(
        read_table(context.inputs["ingest"] / "clips.parquet", ClipRow),
        read_table(context.inputs["screen"] / "verdicts.parquet", VerdictRow),
    )
    results = map_clips(context, [_job(context, row) for row in rows], pose_clip)
    output = context.outputs["pose"]
    copy_files(results, output)
    posed = [
        PoseRow.model_validate({**result.record, "path": row.path}) for row, result in zip(rows, results, strict=True)
    ]
    write_table(output / "poses.parquet", posed, PoseRow)
    note = "" if posed else "the screen let no video clip through"
    return StageSummary(items=len(posed), note=note, metrics=_metrics(posed))


def clips_to_pose(clips: Sequence[ClipRow], verdicts: Sequence[VerdictRow]) -> list[ClipRow]:
    """Usable video clips that no rule of the screen rejects, one row a clip, in the order of their paths."""
    lost = {verdict.path for verdict in verdicts if verdict.status in LOST}
    wanted: dict[str, ClipRow] = {}
    for row in sorted(clips, key=lambda row: row.path):
        if row.kind is ItemKind.VIDEO and row.status is ClipStatus.READY and row.path not in lost:
            wanted.setdefault(row.clip_id, row)
    return list(wanted.values())


def _job(context: StageContext[PoseConfig], row: ClipRow) -> ClipJob[PoseWork]:
    """The path is not in the key: equal bytes under a new name hit."""
    key = {
        "clip": row.clip_id,
        "annotations": row.annotation_digest,
        "mode": row.pose_mode.value,
        "speed": row.typical_speed,
        "fps": row.fps,
    }
    return ClipJob(row.clip_id, key, PoseWork(row, context.inputs["ingest"], context.config))


def _metrics(rows: Sequence[PoseRow]) -> dict[str, float]:
    done = [row for row in rows if row.status is PoseStatus.OK]
    errors = [row.reprojection_px for row in done if row.reprojection_px is not None]
    return {
        "posed": float(len(done)),
        "failed": float(len(rows) - len(done)),
        "speed_prior": float(sum(row.scale_source is ScaleSource.SPEED_PRIOR for row in done)),
        "reprojection_px_median": float(np.median(errors)) if errors else 0.0,
    }
