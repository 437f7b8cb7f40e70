"""Scores that need no pixels: what the decoder said, the licence, the caption, and what equals what."""

from collections.abc import Mapping, Sequence

from data_contracts.clip import ClipRow, ItemKind
from data_contracts.licence import LicenceTable, Use
from data_contracts.quality import ScoreRow
from tasks.filtering import phash
from tasks.vision.caption_leak import find_leaks

MEDIA_RULES = ("media_empty", "media_corrupt", "media_truncated", "media_too_short")
NOT_MEASURED = "source"


def media_scores(row: ClipRow) -> list[ScoreRow]:
    """1 for each thing the decoder found wrong, else 0."""
    return [_fact(row, rule, "decoder", float(rule in row.reasons), row.detail) for rule in MEDIA_RULES]


def licence_score(row: ClipRow, table: LicenceTable, use: Use) -> ScoreRow:
    """1 where the clip's licence does not allow the use."""
    forbidden = not table.allows(row.licence, use)
    return _fact(row, "licence_forbidden", "licence_table", float(forbidden), f"{row.licence} for {use}")


def caption_score(row: ClipRow) -> ScoreRow:
    """How many phrases of the source's caption tell how the camera moves."""
    leaks = find_leaks(row.source_caption)
    return _fact(row, "caption_leaks", "leak_lexicon", float(len(leaks)), "; ".join(leaks))


def exact_duplicate_scores(rows: Sequence[ClipRow]) -> list[ScoreRow]:
    """1 for each readable input whose media an earlier listed one has already."""
    first: dict[str, str] = {}
    scores: list[ScoreRow] = []
    for row in rows:
        if row.clip_id:
            original = first.setdefault(row.clip_id, row.path)
            repeats = original != row.path
            scores.append(_fact(row, "duplicate_exact", "media_digest", float(repeats), original if repeats else ""))
    return scores


def near_duplicate_scores(rows: Sequence[ClipRow], hashes: Mapping[str, str]) -> list[ScoreRow]:
    """Distance of each clip to the nearest one listed before it; exact duplicates are told elsewhere.

    Args:
        rows: the listed inputs, in order.
        hashes: clip id -> perceptual hash, "" = has none.
    """
    clips = list({row.clip_id: row for row in reversed(rows) if row.clip_id in hashes}.values())[::-1]
    nearest = phash.nearest_earlier([hashes[row.clip_id] for row in clips])
    return [
        _fact(row, "near_duplicate_distance", phash.NAME, round(found[0], 6), clips[found[1]].path)
        for row, found in zip(clips, nearest, strict=True)
        if found is not None
    ]


def is_video(row: ClipRow) -> bool:
    """A clip with pixels to judge, as opposed to a Gaussian scene."""
    return row.kind is ItemKind.VIDEO


def _fact(row: ClipRow, metric: str, scorer: str, value: float, detail: str = "") -> ScoreRow:
    return ScoreRow(
        clip_id=row.clip_id,
        path=row.path,
        metric=metric,
        scorer=scorer,
        scorer_version="1",
        resolution=NOT_MEASURED,
        value=value,
        detail=detail if value or metric.startswith("near") else "",
    )
