"""``screen``: the cheap verdicts first, so that no camera is estimated for a clip that its pixels already reject."""

from collections.abc import Sequence
from typing import Any

from data_contracts.clip import ClipRow, ClipStatus
from data_contracts.contract_loader import load_contracts
from data_contracts.licence import load_licences
from data_contracts.quality import ScoreRow, VerdictRow
from data_contracts.report import StageSummary
from infra.stage import StageContext, copy_files, map_clips
from tasks.filtering.config import ScreenConfig
from tasks.filtering.duplicates import exact_duplicate_scores, near_duplicate_scores
from tasks.filtering.facts import caption_score, is_video, licence_score, media_scores, takedown_score
from tasks.filtering.frame_hashes import hash_file
from tasks.filtering.measure import measure_clip, measure_job, score_rows
from tasks.filtering.overlap import benchmark_pictures, held_out_clips, overlap_scores
from tasks.filtering.summary import count_verdicts
from tasks.filtering.verdicts import judge, score_frame, verdicts
from tasks.vision.tables import read_table, write_frame, write_table

STAGES = ("ingest", "screen")


def run_screen(context: StageContext[ScreenConfig]) -> StageSummary:
    """Measure every stored clip of ``ingest`` and apply the screen's rules (artifact ``screen``).

    Raises:
        InputError: a contract is not valid, or the configured benchmark cannot be used.
    """
    contracts = load_contracts().waiving(context.config.waived)
    source, output = context.inputs["ingest"], context.outputs["screen"]
    rows = read_table(source / "clips.parquet", ClipRow)
    stored = {row.clip_id: row for row in reversed(rows) if row.status is ClipStatus.READY and is_video(row)}
    first = [row for row in rows if stored.get(row.clip_id) is row]
    width, models = context.config.thumbnail_width, context.config.models
    jobs = [measure_job(row, source, width, models) for row in first]
    results = map_clips(context, jobs, measure_clip, context.config.measuring)
    records = {result.name: result.record for result in results}
    found_so_far = _scores(rows, records, context.config)
    # Overlap goes before near duplicates: of a training clip and a benchmark's that show the same, the latter is kept.
    files = {result.name: hash_file(result.directory, result.name) for result in results}
    held_out = held_out_clips(rows, score_frame(found_so_far), contracts, STAGES)
    found_so_far += overlap_scores(rows, files, benchmark_pictures(context.config.benchmark, rows, held_out, files))
    hashes = {clip_id: record["hash"] for clip_id, record in records.items()}
    near = near_duplicate_scores(rows, hashes, score_frame(found_so_far), contracts, STAGES)
    scores = score_frame([*found_so_far, *near])
    outcomes = judge(rows, scores, contracts, STAGES)
    found = verdicts(rows, outcomes)
    copy_files(results, output)
    write_frame(output / "scores.parquet", scores)
    write_table(output / "verdicts.parquet", found, VerdictRow)
    return StageSummary(items=len(first), metrics=count_verdicts(found))


def _scores(rows: Sequence[ClipRow], records: dict[str, dict[str, Any]], config: ScreenConfig) -> list[ScoreRow]:
    table = load_licences()
    scores = [score for row in rows for score in media_scores(row)]
    scores += [licence_score(row, table, config.use) for row in rows]
    taken_down = frozenset(config.taken_down)
    scores += [takedown_score(row, taken_down) for row in rows]
    scores += exact_duplicate_scores(rows)
    for row in rows:
        if row.clip_id in records:
            scores.append(caption_score(row))
            scores += score_rows(row, records[row.clip_id])
    return scores
