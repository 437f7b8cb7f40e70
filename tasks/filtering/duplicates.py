"""Scores of what equals what: the first listed of equal clips is kept."""

from collections.abc import Mapping, Sequence

import polars as pl

from data_contracts.clip import ClipRow
from data_contracts.contract_loader import ContractSet
from data_contracts.quality import ScoreRow
from tasks.filtering import phash
from tasks.filtering.facts import fact
from tasks.filtering.verdicts import judge, rejected_paths


def exact_duplicate_scores(rows: Sequence[ClipRow]) -> list[ScoreRow]:
    """1 for each readable input whose media an earlier listed one has already."""
    first: dict[str, str] = {}
    scores: list[ScoreRow] = []
    for row in rows:
        if row.clip_id:
            original = first.setdefault(row.clip_id, row.path)
            repeats = original != row.path
            scores.append(fact(row, "duplicate_exact", "media_digest", float(repeats), original if repeats else ""))
    return scores


def near_duplicate_scores(
    rows: Sequence[ClipRow],
    hashes: Mapping[str, str],
    scores: pl.DataFrame,
    contracts: ContractSet,
    stages: Sequence[str],
) -> list[ScoreRow]:
    """Distance of each clip that passes all else to the nearest such clip listed before it.

    A clip that fails already is no reason to reject another, and needs no further reason itself.

    Args:
        rows: the listed inputs, in order.
        hashes: clip id -> perceptual hash, "" = has none.
        scores: every other score, ``ScoreRow`` columns.
        contracts: the rules.
        stages: whose rules have scores by now.
    """
    failed = rejected_paths(judge(rows, scores, contracts, stages))
    clips = [row for row in rows if row.clip_id in hashes and row.path not in failed]
    nearest = phash.nearest_earlier([hashes[row.clip_id] for row in clips])
    return [
        fact(row, "near_duplicate_distance", phash.NAME, round(found[0], 6), clips[found[1]].path)
        for row, found in zip(clips, nearest, strict=True)
        if found is not None
    ]
