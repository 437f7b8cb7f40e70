"""CSV indices of sources: by column name, in whichever encoding they came, never outside their folder."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from data_contracts.errors import ErrorCode, InputError

ENCODINGS = ("utf-8-sig", "cp1252")


def read_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV file, which must have ``columns``; other columns are kept.

    Raises:
        InputError: the file is missing, not text, or lacks a column.
    """
    rows = list(csv.DictReader(io.StringIO(_text(path), newline="")))
    present = set(rows[0]) if rows else set(columns)
    missing = [column for column in columns if column not in present]
    if missing:
        raise InputError(
            ErrorCode.CORPUS_UNREADABLE,
            f"{path.name}: columns {', '.join(missing)} are missing",
            "write the header as docs/sources.md gives it",
        )
    return [{key: value or "" for key, value in row.items() if key is not None} for row in rows]


def inside(root: Path, relative: str, index: str) -> Path:
    """``root / relative``.

    Raises:
        InputError: an index that points outside its own source.
    """
    path = root / relative
    if not path.resolve().is_relative_to(root.resolve()):
        raise InputError(
            ErrorCode.CORPUS_UNREADABLE,
            f"{index}: {relative!r} lies outside the source",
            "paths of an index are relative to the source's folder",
        )
    return path


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(
            ErrorCode.CORPUS_UNREADABLE,
            f"{path.parent.name}: the index {path.name} is missing",
            "see docs/sources.md for the files of this source format",
        ) from error
    for encoding in ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InputError(ErrorCode.CORPUS_UNREADABLE, f"{path.name} is not text", "save it as UTF-8")
