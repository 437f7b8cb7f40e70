"""Scores of overlap with the benchmark: how near a clip to be trained on comes to a picture it will be evaluated on."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import polars as pl

from data_contracts.clip import ClipRow
from data_contracts.contract_loader import ContractSet
from data_contracts.quality import ScoreRow
from tasks.filtering import phash
from tasks.filtering.benchmark import BenchmarkPictures, Size, held_out_pictures, published_pictures
from tasks.filtering.config import BenchmarkPlace
from tasks.filtering.facts import fact
from tasks.filtering.frame_hashes import read_frame_hashes
from tasks.filtering.verdicts import judge, rejected_paths

METRIC = "benchmark_distance"
BENCHMARK = "benchmark"
"""The split whose clips are not trained on, so that they may show what they are evaluated by."""


def overlap_scores(
    rows: Sequence[ClipRow], hash_files: Mapping[str, Path], pictures: Mapping[Size, BenchmarkPictures]
) -> list[ScoreRow]:
    """Distance of each clip outside of the benchmark to the nearest picture of it; the frame that decided is named.

    A clip that cannot be compared has no score: there is no benchmark, or all of the clip's frames are flat.

    Args:
        rows: the listed clips.
        hash_files: clip id -> the hashes of its frames.
        pictures: the benchmark, by the size of the clips.
    """
    scores = []
    for row in _compared(rows, hash_files):
        found = pictures[row.height, row.width].nearest(read_frame_hashes(hash_files[row.clip_id]))
        if found is not None:
            distance, frame, name = found
            told = f"frame {frame} is nearest to {name}"
            scores.append(fact(row, METRIC, phash.NAME, round(distance, 6), told, frame))
    return scores


def benchmark_pictures(
    place: BenchmarkPlace | None, rows: Sequence[ClipRow], held_out: Iterable[ClipRow], hash_files: Mapping[str, Path]
) -> dict[Size, BenchmarkPictures]:
    """What the clips of ``rows`` must not show, by their sizes.

    The published benchmark where one is configured, else what ``evaluate`` takes first: held-out clips of the corpus.

    Raises:
        InputError: the configured benchmark cannot be used.
    """
    sizes = {(row.height, row.width) for row in _compared(rows, hash_files)}
    if place is not None:
        return published_pictures(place, sizes)
    return dict.fromkeys(sizes, held_out_pictures(held_out, hash_files))


def held_out_clips(
    rows: Sequence[ClipRow], scores: pl.DataFrame, contracts: ContractSet, stages: Sequence[str]
) -> list[ClipRow]:
    """The clips of the benchmark's split that pass all else: a rejected clip is no reason to reject another."""
    failed = rejected_paths(judge(rows, scores, contracts, stages))
    return [row for row in rows if row.split == BENCHMARK and row.path not in failed]


def _compared(rows: Sequence[ClipRow], hash_files: Mapping[str, Path]) -> list[ClipRow]:
    return [row for row in rows if row.split != BENCHMARK and row.clip_id in hash_files]
