"""``ingest``: every listed input of a corpus to a clip of one size and rate, or to a row that says why not."""

from collections import Counter
from collections.abc import Sequence

from data_contracts.clip import ClipRow, ClipStatus, ItemKind
from data_contracts.errors import ErrorCode, InputError
from data_contracts.report import StageSummary
from infra.stage import ClipJob, ClipResult, StageContext, copy_files, map_clips
from tasks.ingest.config import IngestConfig
from tasks.ingest.fault_lines import fault_lines
from tasks.ingest.identity import annotation_digest, annotation_files, media_digest, split_of, timing_of
from tasks.ingest.item import SourceFolder, SourceItem
from tasks.ingest.sources import list_corpus
from tasks.ingest.work import IngestWork, ingest_item
from tasks.vision.tables import write_table

Listed = tuple[SourceFolder, SourceItem]


def run_ingest(context: StageContext[IngestConfig]) -> StageSummary:
    """Read the corpus (input ``corpus``) and write the artifact ``ingest`` (``docs/artifacts.md``).

    Raises:
        InputError: the corpus holds no media, a descriptor is not valid, or no input is usable.
    """
    listed = list_corpus(context.inputs["corpus"])
    results = map_clips(context, [_job(context.config, item) for _, item in listed], ingest_item)
    rows = [_row(pair, result, context.config) for pair, result in zip(listed, results, strict=True)]
    for line in fault_lines(rows):
        context.progress.say(line)
    usable = [row for row in rows if row.status is ClipStatus.READY]
    if not usable:
        raise InputError(
            ErrorCode.NO_USABLE_CLIP,
            f"none of {len(rows)} inputs is usable: {_tally(rows)}; {fault_lines(rows)[0]}",
            "give videos that play to their end and last at least "
            f"{(context.config.minimum_frames - 1) / context.config.fps:g} s",
        )
    output = context.outputs["ingest"]
    copy_files(_first_of_each(rows, results), output)
    write_table(output / "clips.parquet", rows, ClipRow)
    scenes = sum(row.kind is ItemKind.SPLAT_SCENE for row in usable)
    metrics = {"listed": len(rows), "usable": len(usable), "quarantined": len(rows) - len(usable), "scenes": scenes}
    return StageSummary(items=len(rows), metrics={name: float(value) for name, value in metrics.items()})


def _job(config: IngestConfig, item: SourceItem) -> ClipJob[IngestWork]:
    if item.fault is not None:  # the row or the sidecar decides, whatever the media are
        return ClipJob(item.path, {"fault": str(item.fault)}, IngestWork(item, "", config))
    media = media_digest(item)
    key = {
        "media": media,
        "annotations": annotation_digest(item),
        "files": [[item.name_of(path), path.is_file()] for path in annotation_files(item)],
        "timing": timing_of(item.media),
        "format": item.format.value,
    }
    if not media:  # what is missing decides, and that is told by nothing else
        key["missing"] = item.path
    return ClipJob(item.path, key, IngestWork(item, media, config))


def _row(pair: Listed, result: ClipResult, config: IngestConfig) -> ClipRow:
    folder, item = pair
    descriptor = folder.descriptor
    scene_id = f"{descriptor.name}/{item.scene}"
    return ClipRow(
        path=item.path,
        source=descriptor.name,
        kind=item.kind,
        annotation_digest=annotation_digest(item),
        source_video_id=f"{descriptor.name}/{item.source_video}",
        scene_id=scene_id,
        split=split_of(scene_id, config),
        licence=item.licence or descriptor.licence,
        pose_mode=descriptor.pose_mode,
        source_caption=item.caption,
        typical_speed=descriptor.typical_speed,
        **result.record,
    )


def _first_of_each(rows: Sequence[ClipRow], results: Sequence[ClipResult]) -> list[ClipResult]:
    """Inputs with equal media share a clip id; the files of the first one listed are kept."""
    first: dict[str, ClipResult] = {}
    for row, result in zip(rows, results, strict=True):
        if row.clip_id:
            first.setdefault(row.clip_id, result)
    return list(first.values())


def _tally(rows: Sequence[ClipRow]) -> str:
    counts = Counter(reason for row in rows for reason in row.reasons)
    return ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
