"""``filter``: camera and scale rules on top of the screen, rendered clips join, the final verdict with all reasons."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from data_contracts.camera import PoseRow
from data_contracts.clip import AcceptedRow, ClipRow, ClipStatus
from data_contracts.contract_loader import ContractSet, load_contracts
from data_contracts.licence import load_licences
from data_contracts.quality import ScoreRow, VerdictRow
from data_contracts.report import StageSummary
from infra.stage import StageContext, digest_file, map_clips
from tasks.filtering.cameras import by_path, intrinsics_scores, pose_scores, rendered_scores
from tasks.filtering.config import FilterConfig
from tasks.filtering.duplicates import near_duplicate_scores
from tasks.filtering.facts import is_video, licence_score, media_scores, takedown_score
from tasks.filtering.frame_hashes import hash_file
from tasks.filtering.measure import measure_clip, measure_job, score_rows
from tasks.filtering.overlap import BENCHMARK, benchmark_pictures, held_out_clips, overlap_scores
from tasks.filtering.summary import count_verdicts
from tasks.filtering.verdicts import judge, score_frame, verdicts
from tasks.vision.tables import read_table, write_frame, write_table

STAGES = ("ingest", "screen", "filter")


def run_filter(context: StageContext[FilterConfig]) -> StageSummary:
    """Write ``filter_scores``, ``filter_verdicts`` and ``filter_accepted`` (``docs/artifacts.md``).

    ``metrics["accepted"]`` tells the platform whether there is enough to train on.

    Raises:
        InputError: a contract is not valid, or the configured benchmark cannot be used.
    """
    contracts = load_contracts().waiving(context.config.waived)
    listed = read_table(context.inputs["ingest"] / "clips.parquet", ClipRow)
    rendered = read_table(context.inputs["splat"] / "clips.parquet", ClipRow)
    scores = score_frame(
        [
            *read_table(context.inputs["screen"] / "scores.parquet", ScoreRow),
            *_camera_scores(context, listed),
            *_rendered_scores(context, rendered, listed, contracts),
        ]
    )
    rows = sorted([*listed, *rendered], key=lambda row: row.path)
    outcomes = judge(rows, scores, contracts, STAGES)
    found = verdicts(rows, outcomes)
    accepted = _accepted(context, {row.path for row in rendered}, rows, found)
    write_frame(context.outputs["filter_scores"] / "scores.parquet", scores)
    write_table(context.outputs["filter_verdicts"] / "verdicts.parquet", found, VerdictRow)
    write_frame(context.outputs["filter_verdicts"] / "outcomes.parquet", outcomes)
    write_table(context.outputs["filter_accepted"] / "accepted.parquet", accepted, AcceptedRow)
    return StageSummary(items=len(rows), metrics=count_verdicts(found))


def _camera_scores(context: StageContext[FilterConfig], listed: Sequence[ClipRow]) -> list[ScoreRow]:
    """Cameras of the clips that the screen let through; the others have none and need none."""
    ingest = context.inputs["ingest"]
    passed = _passed_screen(context)
    poses = by_path(read_table(context.inputs["pose"] / "poses.parquet", PoseRow))
    scores: list[ScoreRow] = []
    for row in listed:
        if row.path in passed and is_video(row):
            pose = poses.get(row.path)
            scores += pose_scores(row, pose) + intrinsics_scores(row, pose, ingest)
    return scores


def _passed_screen(context: StageContext[FilterConfig]) -> set[str]:
    screened = read_table(context.inputs["screen"] / "verdicts.parquet", VerdictRow)
    return {verdict.path for verdict in screened if verdict.status is ClipStatus.ACCEPTED}


def _rendered_scores(
    context: StageContext[FilterConfig], rendered: Sequence[ClipRow], listed: Sequence[ClipRow], contracts: ContractSet
) -> list[ScoreRow]:
    """The screen's scorers on rendered clips, and what only the renderer knows."""
    splat = context.inputs["splat"]
    table = load_licences()
    width, models = context.config.thumbnail_width, context.config.models
    jobs = [measure_job(row, splat, width, models) for row in rendered]
    results = map_clips(context, jobs, measure_clip, context.config.measuring)
    taken_down = frozenset(context.config.taken_down)
    records = {result.name: result.record for result in results}
    scores = read_table(splat / "scores.parquet", ScoreRow)
    for row in rendered:
        scores += media_scores(row) + score_rows(row, records[row.clip_id]) + rendered_scores(row, splat)
        scores += [licence_score(row, table, context.config.use), takedown_score(row, taken_down)]
    files = {result.name: hash_file(result.directory, result.name) for result in results}
    held_out = held_out_clips(rendered, score_frame(scores), contracts, STAGES)
    scores += _rendered_overlap(context, rendered, [*_listed_held_out(context, listed), *held_out], files)
    hashes = {clip_id: record["hash"] for clip_id, record in records.items()}
    return scores + near_duplicate_scores(rendered, hashes, score_frame(scores), contracts, STAGES)


def _rendered_overlap(
    context: StageContext[FilterConfig],
    rendered: Sequence[ClipRow],
    held_out: Sequence[ClipRow],
    files: Mapping[str, Path],
) -> list[ScoreRow]:
    """Overlap of rendered clips with the benchmark, whose clips may be listed or rendered."""
    listed = {row.clip_id: hash_file(context.inputs["screen"], row.clip_id) for row in held_out}
    pictures = benchmark_pictures(context.config.benchmark, rendered, held_out, {**listed, **files})
    return overlap_scores(rendered, files, pictures)


def _listed_held_out(context: StageContext[FilterConfig], listed: Sequence[ClipRow]) -> list[ClipRow]:
    """The listed clips of the benchmark that the screen let through."""
    passed = _passed_screen(context)
    return [row for row in listed if row.split == BENCHMARK and row.path in passed and is_video(row)]


def _accepted(
    context: StageContext[FilterConfig], rendered: set[str], rows: Sequence[ClipRow], found: Sequence[VerdictRow]
) -> list[AcceptedRow]:
    """The accepted clips with the digest of each part, by clip id."""
    chosen = [row for row, verdict in zip(rows, found, strict=True) if verdict.status is ClipStatus.ACCEPTED]
    accepted = [_row(row, "splat", context.inputs["splat"]) for row in chosen if row.path in rendered]
    accepted += [_row(row, "ingest", context.inputs["pose"]) for row in chosen if row.path not in rendered]
    return sorted(accepted, key=lambda row: row.clip_id)


def _row(row: ClipRow, origin: str, poses: Path) -> AcceptedRow:
    return AcceptedRow(
        clip_id=row.clip_id,
        origin=origin,
        source=row.source,
        scene_id=row.scene_id,
        source_video_id=row.source_video_id,
        split=row.split,
        licence=row.licence,
        raw_frames=row.raw_frames,
        fps=row.fps,
        height=row.height,
        width=row.width,
        media_digest=row.media_digest,
        pose_digest=digest_file(poses / "poses" / f"{row.clip_id}.safetensors"),
        source_caption=row.source_caption,
    )
