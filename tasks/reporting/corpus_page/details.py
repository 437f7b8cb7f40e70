"""The files behind the page: an index of all clips in columns, and their details in shards that load on demand."""

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from safetensors import safe_open

from tasks.reporting.corpus_page.source import CorpusPageSource

CLIPS_A_SHARD = 250
POINTS = 64
Payload = dict[str, Any]  # JSON values


def index_script(verdicts: pl.DataFrame, shards: int) -> str:
    """``index.js``: columns over all clips by path; sources, statuses and reasons as numbers into name lists."""
    sources, statuses = _names(verdicts["source"]), _names(verdicts["status"])
    reasons = _names(verdicts["reasons"].explode().drop_nulls())
    by_reason = {name: number for number, name in enumerate(reasons)}
    columns = {
        "sources": sources,
        "statuses": statuses,
        "reasons": reasons,
        "shards": shards,
        "path": verdicts["path"].to_list(),
        "source": _numbers(verdicts["source"], sources),
        "status": _numbers(verdicts["status"], statuses),
        "why": [[by_reason[reason] for reason in found] for found in verdicts["reasons"].to_list()],
    }
    return _script("index", columns)


def shard_count(clips: int) -> int:
    """Shards of about 250 clips."""
    return max(1, -(-clips // CLIPS_A_SHARD))


def write_details(source: CorpusPageSource, verdicts: pl.DataFrame, directory: Path) -> None:
    """One script a shard; the clip in row ``i`` of the index lies in shard ``i // 250``.

    Args:
        source: scores, pictures and cameras.
        verdicts: the rows of the index, in its order.
        directory: existing, empty.
    """
    wanted = ("metric", "scorer", "value", "minimum", "maximum", "outcome", "rule")
    outcomes = source.outcomes.filter(pl.col("outcome") != "not_evaluated")
    cells = outcomes.sort("path", "rule").group_by("path").agg(wanted).rows_by_key("path", named=True, unique=True)
    rows = verdicts.select("path", "clip_id").rows()
    for start in range(0, len(rows), CLIPS_A_SHARD):
        shard = [_detail(source, clip_id, cells.get(path)) for path, clip_id in rows[start : start + CLIPS_A_SHARD]]
        (directory / f"{start // CLIPS_A_SHARD}.js").write_text(_script(str(start // CLIPS_A_SHARD), shard))


def picture(source: CorpusPageSource, clip_id: str) -> str:
    """The thumbnail as a data URL; empty where there is none."""
    for folder in source.thumbnails:
        path = folder / f"{clip_id}.jpg"
        if clip_id and path.is_file():
            return "data:image/jpeg;base64," + base64.b64encode(path.read_bytes()).decode()
    return ""


def _detail(source: CorpusPageSource, clip_id: str, cells: Mapping[str, Sequence[Any]] | None) -> Payload:
    found = [] if cells is None else [list(row) for row in zip(*(_plain(v) for v in cells.values()), strict=True)]
    return {"id": clip_id, "cells": found, "picture": picture(source, clip_id), "track": _track(source, clip_id)}


def _plain(values: Sequence[Any]) -> list[Any]:
    """JSON values: what is not finite becomes text, as JSON has no word for it."""
    return [str(value) if isinstance(value, float) and not np.isfinite(value) else value for value in values]


def _track(source: CorpusPageSource, clip_id: str) -> list[list[float]]:
    """At most 64 camera centres, ``[right, forward, down]`` in metres relative to the first camera."""
    for folder in source.poses:
        path = folder / f"{clip_id}.safetensors"
        if clip_id and path.is_file():
            with safe_open(path, framework="numpy") as file:
                centers = file.get_tensor("camera_to_world")[:, :3, 3]
            chosen = np.unique(np.linspace(0, len(centers) - 1, POINTS).round().astype(int))
            finite = centers[chosen][np.isfinite(centers[chosen]).all(axis=1)]
            return [[round(float(x), 3), round(float(z), 3), round(float(y), 3)] for x, y, z in finite]
    return []


def _names(column: pl.Series) -> list[str]:
    return column.unique().sort().to_list()


def _numbers(column: pl.Series, names: Sequence[str]) -> list[int]:
    return column.replace_strict(dict(zip(names, range(len(names)), strict=True)), return_dtype=pl.Int64).to_list()


def _script(name: str, value: Any) -> str:  # noqa: ANN401 - JSON values
    """A page opened from disk may not fetch JSON but may load scripts; parsing text is faster than parsing code."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return f"corpusLoaded({json.dumps(name)},JSON.parse({json.dumps(text)}));\n"
