"""What the corpus page is made from."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from data_contracts.errors import ErrorCode, InputError


@dataclass(frozen=True)
class CorpusPageSource:
    """Tables of one corpus and where its pictures and cameras lie.

    Attributes:
        verdicts: ``VerdictRow`` columns.
        scores: ``ScoreRow`` columns.
        outcomes: ``OutcomeRow`` columns; may be empty.
        thumbnails: directories of ``<clip_id>.jpg``.
        poses: directories of ``<clip_id>.safetensors`` with ``camera_to_world`` (F 4 4, metres, OpenCV axes).
    """

    verdicts: pl.DataFrame
    scores: pl.DataFrame
    outcomes: pl.DataFrame
    thumbnails: tuple[Path, ...] = ()
    poses: tuple[Path, ...] = ()


def read_source(artifacts: Path) -> CorpusPageSource:
    """The newest final verdicts of a workdir.

    Args:
        artifacts: directory with one checkout an artifact.

    Raises:
        InputError: the filter has not run.
    """
    found = artifacts / "filter_verdicts"
    if not (found / "verdicts.parquet").is_file():
        raise InputError(
            ErrorCode.INPUT_MISSING,
            f"{artifacts.parent.name!r} holds no final verdicts",
            "run `wm run --until filter` with this --workdir first",
        )
    return CorpusPageSource(
        verdicts=pl.read_parquet(found / "verdicts.parquet"),
        scores=pl.read_parquet(artifacts / "filter_scores" / "scores.parquet"),
        outcomes=pl.read_parquet(found / "outcomes.parquet"),
        thumbnails=(artifacts / "screen" / "thumbnails", artifacts / "splat" / "thumbnails"),
        poses=(artifacts / "pose" / "poses", artifacts / "splat" / "poses"),
    )
