"""Scores that need no pixels: what the decoder said, the licence, the caption and the stewards' tombstones."""

from collections.abc import Container

from data_contracts.clip import ClipRow, ItemKind
from data_contracts.licence import LicenceTable, Use
from data_contracts.quality import ScoreRow
from data_contracts.source_fault import FaultRule
from tasks.vision.caption_leak import find_leaks

MEDIA_RULES = ("media_empty", "media_corrupt", "media_truncated", "media_too_short")
NOT_MEASURED = "source"


def media_scores(row: ClipRow) -> list[ScoreRow]:
    """1 for each thing that the decoder, or the reader of the source, found wrong, else 0."""
    scorers = dict.fromkeys(MEDIA_RULES, "decoder") | {rule.value: "reader" for rule in FaultRule}
    found = {rule: rule in row.reasons for rule in scorers}
    return [fact(row, rule, scorers[rule], float(wrong), row.detail if wrong else "") for rule, wrong in found.items()]


def licence_score(row: ClipRow, table: LicenceTable, use: Use) -> ScoreRow:
    """1 where the clip's licence does not allow the use."""
    forbidden = not table.allows(row.licence, use)
    return fact(row, "licence_forbidden", "licence_table", float(forbidden), f"{row.licence} for {use}")


def takedown_score(row: ClipRow, taken_down: Container[str]) -> ScoreRow:
    """1 where the clip or its source video was taken down."""
    subject = next((name for name in (row.clip_id, row.source_video_id) if name and name in taken_down), "")
    return fact(row, "taken_down", "ledger", float(bool(subject)), f"tombstone of {subject}" if subject else "")


def caption_score(row: ClipRow) -> ScoreRow:
    """How many phrases of the source's caption tell how the camera moves."""
    leaks = find_leaks(row.source_caption)
    return fact(row, "caption_leaks", "leak_lexicon", float(len(leaks)), "; ".join(leaks))


def is_video(row: ClipRow) -> bool:
    """A clip with pixels to judge, as opposed to a Gaussian scene."""
    return row.kind is ItemKind.VIDEO


def fact(row: ClipRow, metric: str, scorer: str, value: float, detail: str = "", frame: int = -1) -> ScoreRow:
    """The score of something that is known rather than measured; ``frame`` is the one that decided."""
    return ScoreRow(
        clip_id=row.clip_id,
        path=row.path,
        metric=metric,
        scorer=scorer,
        scorer_version="1",
        resolution=NOT_MEASURED,
        value=value,
        worst_frame=frame,
        detail=detail,
    )
