"""The per-clip job of screen and filter: every scorer's measures, perceptual hashes, a thumbnail."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from data_contracts.annotations import SourceAnnotations, read_annotations
from data_contracts.clip import ClipRow
from data_contracts.quality import ScoreRow
from infra.stage import ClipJob
from tasks.filtering.config import ModelScorers
from tasks.filtering.frame_hashes import write_frame_hashes
from tasks.filtering.phash import clip_hash, picture_hashes
from tasks.filtering.scorers.embedded import embedded_scorers
from tasks.filtering.scorers.models import model_scorers
from tasks.filtering.scorers.protocol import Measure, StoredClip
from tasks.vision.flow import gray_frames
from tasks.vision.video import read_video

ANNOTATION_SCORER, ANNOTATION_VERSION = "annotation", "2"


@dataclass(frozen=True)
class MeasureWork:
    """A stored clip, its annotations (None = none), the width of its thumbnail, and the scorers with weights."""

    clip_id: str
    media: Path
    annotations: Path | None
    thumbnail_width: int
    models: ModelScorers


def measure_job(row: ClipRow, artifact: Path, thumbnail_width: int, models: ModelScorers) -> ClipJob[MeasureWork]:
    """The job for one row of an artifact (``ingest`` or ``splat``); clips with equal ids are one job."""
    annotations = artifact / "annotations" / f"{row.clip_id}.safetensors"
    work = MeasureWork(
        row.clip_id,
        artifact / "media" / f"{row.clip_id}.mp4",
        annotations if annotations.is_file() else None,
        thumbnail_width,
        models,
    )
    key = {"media": row.media_digest, "annotations": row.annotation_digest, "clip_id": row.clip_id}
    return ClipJob(row.clip_id, key, work)


def measure_clip(work: MeasureWork, directory: Path) -> dict[str, Any]:  # JSON values, see ``score_rows``
    """Measure one clip; write ``thumbnails/<clip_id>.jpg`` and the hash of every frame."""
    video = read_video(work.media)
    clip = StoredClip(work.media, video.frames, gray_frames(video.frames), round(video.fps, 3))
    _write_thumbnail(directory / "thumbnails" / f"{work.clip_id}.jpg", clip, work.thumbnail_width)
    write_frame_hashes(directory, work.clip_id, picture_hashes(clip.gray))
    measures = [
        (scorer.name, scorer.version, clip.resolution, scorer.weights, measure)
        for scorer in (*embedded_scorers(), *model_scorers(work.models))
        for measure in scorer.measure(clip)
    ]
    measures += [
        (ANNOTATION_SCORER, ANNOTATION_VERSION, "source", "", measure) for measure in _annotations(work.annotations)
    ]
    return {
        "hash": clip_hash(clip.gray),
        "measures": [
            {
                "metric": measure.metric,
                "scorer": scorer,
                "scorer_version": version,
                "resolution": resolution,
                "value": None if measure.value is None else round(measure.value, 6),
                "worst_frame": measure.worst_frame,
                "detail": measure.detail,
                "weights_digest": weights,
            }
            for scorer, version, resolution, weights, measure in measures
        ],
    }


def score_rows(row: ClipRow, record: dict[str, Any]) -> list[ScoreRow]:
    """The scores of a row whose clip was measured."""
    return [ScoreRow(clip_id=row.clip_id, path=row.path, **measure) for measure in record["measures"]]


def _annotations(path: Path | None) -> Sequence[Measure]:
    """Whether the source's poses fit the frames; nothing where it ships none."""
    if path is None:
        return []
    shipped = read_annotations(path)
    if shipped.pose_rows < 0:
        return []
    difference = abs(shipped.pose_rows - shipped.native_frames)
    rows = f"{shipped.pose_rows} pose rows, {shipped.native_frames} frames"
    return [
        Measure("pose_row_difference", float(difference), detail=rows if difference else ""),
        Measure("nonfinite_pose_rows", float(shipped.nonfinite_pose_rows), detail=_nonfinite(shipped)),
    ]


def _nonfinite(shipped: SourceAnnotations) -> str:
    rows = shipped.nonfinite_pose_rows
    return f"{rows} pose rows, the first of native frame {shipped.nonfinite_first_row}" if rows else ""


def _write_thumbnail(path: Path, clip: StoredClip, width: int) -> None:
    frame = clip.frames[len(clip.frames) // 2]
    height = round(frame.shape[0] * width / frame.shape[1])
    small = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
    path.parent.mkdir()
    cv2.imwrite(str(path), cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])
