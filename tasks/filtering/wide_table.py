"""How wide tables are stored, manifests and their verdicts alike: Parquet under LZ4, whole or not at all.

Scores hardly compress, and LZ4 is read 2.5 times as fast as the zstd of the stages' tables for a file a third larger.
"""

from pathlib import Path

import polars as pl

KEYS = ("path", "clip_id", "source")
"""Columns of a wide table that say which clip a row is."""


def write_wide(path: Path, table: pl.DataFrame) -> None:
    """Write a manifest or its verdicts."""
    scratch = path.with_name(f".{path.name}.partial")
    table.write_parquet(scratch, compression="lz4", row_group_size=max(1, len(table)), statistics=False)
    scratch.replace(path)
