"""Tables of records: Parquet whose columns are the record's fields and whose bytes depend on the rows alone."""

import types
import typing
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TypeVar

import polars as pl

from data_contracts.base import Record

Row = TypeVar("Row", bound=Record)
SCALARS: dict[type, type[pl.DataType]] = {str: pl.String, int: pl.Int64, float: pl.Float64, bool: pl.Boolean}


def record_schema(record_type: type[Record]) -> pl.Schema:
    """The polars columns of a record: one a field, in field order.

    Raises:
        TypeError: a field is neither a scalar, an enumeration of strings, an optional one of these, nor a list of them.
    """
    return pl.Schema({name: _column(field.annotation) for name, field in record_type.model_fields.items()})


def to_frame(rows: Sequence[Row], record_type: type[Row]) -> pl.DataFrame:
    """Rows as a data frame with the record's columns, also when there are none."""
    return pl.DataFrame([row.model_dump(mode="json") for row in rows], schema=record_schema(record_type))


def write_table(path: Path, rows: Sequence[Row], record_type: type[Row]) -> None:
    """Write rows in the order given, one row group, zstd; the same rows give the same bytes."""
    write_frame(path, to_frame(rows, record_type))


def write_frame(path: Path, frame: pl.DataFrame) -> None:
    """Write a data frame as ``write_table`` does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.tmp")
    frame.rechunk().write_parquet(scratch, compression="zstd", row_group_size=max(1, frame.height), statistics=True)
    scratch.replace(path)


def read_table(path: Path, record_type: type[Row]) -> list[Row]:
    """Read and validate every row.

    Raises:
        pydantic.ValidationError: a row does not satisfy the record.
    """
    return [record_type.model_validate(row) for row in pl.read_parquet(path).iter_rows(named=True)]


def _column(annotation: object) -> pl.DataType | type[pl.DataType]:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (list, Sequence) or origin is tuple:
        return pl.List(_column(arguments[0]))
    if origin in (typing.Union, types.UnionType):
        present = [argument for argument in arguments if argument is not type(None)]
        if len(present) == 1:
            return _column(present[0])
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return pl.String
    if isinstance(annotation, type) and annotation in SCALARS:
        return SCALARS[annotation]
    raise TypeError(f"no column type for {annotation!r}")
