"""The ``caption`` stage: one scene-static caption per accepted clip, each tested for words of camera motion."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from data_contracts.caption import CaptionRow
from data_contracts.clip import AcceptedRow
from data_contracts.errors import ErrorCode, OperationError
from data_contracts.report import StageSummary
from infra.stage import ClipJob, StageContext, map_clips
from tasks.captioning.config import CaptionConfig, CaptionEngine
from tasks.captioning.image_statistics import ImageStatisticsCaptioner
from tasks.captioning.protocols import Captioner, CaptionItem
from tasks.captioning.scene_static import SourceCaptioner
from tasks.captioning.vlm import VlmCaptioner
from tasks.vision.caption_leak import find_leaks
from tasks.vision.tables import read_table, write_table
from tasks.vision.vlm_endpoint import VlmEndpoint, read_api_key


@dataclass(frozen=True)
class CaptionJob:
    """A clip and who may write its caption, in order."""

    item: CaptionItem
    config: CaptionConfig


def run_caption(context: StageContext[CaptionConfig]) -> StageSummary:
    """Fill the ``caption`` artifact.

    Raises:
        OperationError: no captioner has a clean caption for a clip, or the endpoint gives no answer.
    """
    accepted = read_table(context.inputs["filter_accepted"] / "accepted.parquet", AcceptedRow)
    jobs = [_job(context, row) for row in sorted(accepted, key=lambda row: row.clip_id)]
    results = map_clips(context, jobs, write_caption)
    rows = [CaptionRow(clip_id=result.name, **result.record) for result in results]
    write_table(context.outputs["caption"] / "captions.parquet", rows, CaptionRow)
    writers = Counter(row.captioner for row in rows)
    metrics = {f"caption.{name}": float(count) for name, count in sorted(writers.items())}
    return StageSummary(items=len(rows), note="" if rows else "no accepted clips", metrics=metrics)


def write_caption(job: CaptionJob, directory: Path) -> dict[str, str | int]:  # noqa: ARG001  (the map hands one to every job)
    """Caption, captioner and version of one clip: the first non-empty text that leaks no camera motion.

    Raises:
        OperationError: no captioner wrote one.
    """
    for captioner in captioners(job.config):
        caption = captioner.caption(job.item)
        if caption and not find_leaks(caption):
            return {"caption": caption, "captioner": captioner.name, "captioner_version": captioner.version}
    raise OperationError(
        ErrorCode.INTERNAL, f"no clean caption for {job.item.media.name}", "report the clip; its picture has no words"
    )


def captioners(config: CaptionConfig) -> list[Captioner]:
    """The captioners of a configuration, first choice first."""
    if config.engine is CaptionEngine.SOURCE:
        return [SourceCaptioner(), ImageStatisticsCaptioner()]
    endpoint = VlmEndpoint(
        base_url=config.endpoint,
        model=config.model,
        frames=config.frames,
        timeout_s=config.timeout_s,
        attempts=config.attempts,
        api_key=read_api_key(config.api_key_file),
    )
    return [VlmCaptioner(endpoint), SourceCaptioner(), ImageStatisticsCaptioner()]


def _job(context: StageContext[CaptionConfig], row: AcceptedRow) -> ClipJob[CaptionJob]:
    media = context.inputs[row.origin] / "media" / f"{row.clip_id}.mp4"
    key = {"media": row.media_digest, "source_caption": row.source_caption}
    return ClipJob(row.clip_id, key, CaptionJob(CaptionItem(media, row.source_caption), context.config))
