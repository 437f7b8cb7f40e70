"""Tables keep every field of their records, also when empty, and refuse rows that no longer fit."""

import polars as pl
import pytest
from pydantic import ValidationError

from data_contracts.clip import ClipRow, ClipStatus
from data_contracts.quality import ScoreRow
from tasks.vision.tables import read_table, record_schema, write_table


def score(value: float | None) -> ScoreRow:
    return ScoreRow(
        clip_id="c", path="a.mp4", metric="luma", scorer="mean", scorer_version="1", resolution="source", value=value
    )


def test_rows_come_back_equal_and_bytes_are_stable(tmp_path):
    rows = [score(1.5), score(None)]
    write_table(tmp_path / "a.parquet", rows, ScoreRow)
    write_table(tmp_path / "b.parquet", rows, ScoreRow)
    assert read_table(tmp_path / "a.parquet", ScoreRow) == rows
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_enumerations_and_lists(tmp_path):
    row = ClipRow(path="x.mp4", source="plain", status=ClipStatus.QUARANTINED, reasons=["media_empty"])
    write_table(tmp_path / "clips.parquet", [row], ClipRow)
    assert read_table(tmp_path / "clips.parquet", ClipRow) == [row]
    assert record_schema(ClipRow)["reasons"] == pl.List(pl.String)


def test_an_empty_table_has_its_columns(tmp_path):
    write_table(tmp_path / "none.parquet", [], ScoreRow)
    assert pl.read_parquet(tmp_path / "none.parquet").columns == list(ScoreRow.model_fields)
    assert read_table(tmp_path / "none.parquet", ScoreRow) == []


def test_a_foreign_column_is_refused(tmp_path):
    write_table(tmp_path / "t.parquet", [score(1.0)], ScoreRow)
    pl.read_parquet(tmp_path / "t.parquet").with_columns(pl.lit(1).alias("extra")).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(ValidationError, match="extra"):
        read_table(tmp_path / "t.parquet", ScoreRow)
