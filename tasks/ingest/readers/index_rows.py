"""CSV indices of sources: by column name, in whichever encoding they came; a wrong row is a row with its fault."""

import codecs
import difflib
import io
from collections.abc import Sequence
from pathlib import Path

from data_contracts.source_fault import FaultRule
from tasks.ingest.fault import SourceFault, SourceFaultError, told
from tasks.ingest.readers.csv_records import fields_of, is_binary, records
from tasks.ingest.readers.index_file import Index, IndexRow

HEADER = "write the header as docs/sources.md gives it"
LONGEST_HEADER = 100  # characters of a wrong header that a message repeats
DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def read_rows(root: Path, index: Index) -> list[IndexRow]:
    """Every row of the index below ``root``.

    A header without a column that must be there is the fault of each row; a file without a header is one row of its
    own, with its fault.
    """
    try:
        text = _text(root / index.name, index)
        lines = list(io.StringIO(text, newline=""))
        header, start = _header(lines, index)
    except SourceFaultError as error:
        return [IndexRow(index, 0, {}, error.fault)]
    drift = _drift(header, index)
    rows = [_row(index, header, line, fields, drift) for line, fields in records(lines, start, len(header))]
    return rows if rows or drift is None else [IndexRow(index, 0, {}, drift)]


def _text(path: Path, index: Index) -> str:
    """The file as text; what no encoding explains becomes a mark that ``is_binary`` finds."""
    if not path.is_file():
        raise _whole(index, "no such file", "the index of this source format", "see docs/sources.md")
    data = path.read_bytes()
    if not data.strip():
        raise _whole(index, f"{len(data)} bytes", "a header and rows", HEADER)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise _whole(index, "UTF-16", "UTF-8", "save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")  # what the published indices were saved as


def _header(lines: Sequence[str], index: Index) -> tuple[list[str], int]:
    """The first line that is not blank, and the number of the line behind it."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            fields = fields_of([line])
            if is_binary(line):
                raise _whole(index, "bytes that are no text", "a CSV in UTF-8", "save it as UTF-8")
            if fields is None:
                raise _whole(index, "a header with a quote that is not closed", "column names", HEADER)
            return fields, number
    raise _whole(index, "blank lines", "a header and rows", HEADER)


def _drift(header: Sequence[str], index: Index) -> SourceFault | None:
    """What is wrong with the header; columns may come in any order, and others may be there."""
    missing = [column for column in index.columns if column not in header]
    if missing and len(header) == 1:
        mark = next((mark for mark in DELIMITERS if mark in header[0]), None)
        if mark is not None:
            found = f"{DELIMITERS[mark]} between fields"
            return SourceFault(
                FaultRule.INDEX, index.name, "line 1", found, "commas", "save it as a comma-separated file"
            )
    if missing:
        similar = [*difflib.get_close_matches(missing[0], header, 1, 0.6), *_same_letters(missing[0], header)]
        fix = f"rename {similar[0]!r} to {missing[0]!r}" if similar else HEADER
        place = f"line 1, columns {', '.join(missing)}" if len(missing) > 1 else f"line 1, column {missing[0]}"
        found, expected = (
            f"only {_shortened(', '.join(header))}",
            "this column" if len(missing) == 1 else "these columns",
        )
        return SourceFault(FaultRule.INDEX, index.name, place, found, expected, fix)
    for column in (*index.columns, *index.optional):
        if header.count(column) > 1:
            place, found = f"line 1, column {column}", f"it {header.count(column)} times"
            return SourceFault(FaultRule.INDEX, index.name, place, found, "it once", "remove or rename the others")
    return None


def _shortened(names: str) -> str:
    return names if len(names) <= LONGEST_HEADER else f"{names[:LONGEST_HEADER]}..."


def _same_letters(column: str, header: Sequence[str]) -> list[str]:
    plain = "".join(filter(str.isalnum, column)).lower()
    return [name for name in header if "".join(filter(str.isalnum, name)).lower() == plain]


def _row(
    index: Index, header: Sequence[str], line: int, fields: Sequence[str] | None, drift: SourceFault | None
) -> IndexRow:
    cells = dict(zip(header, fields, strict=True)) if fields is not None and len(fields) == len(header) else {}
    return IndexRow(index, line, cells, drift or _row_fault(index, header, line, fields))


def _row_fault(index: Index, header: Sequence[str], line: int, fields: Sequence[str] | None) -> SourceFault | None:
    if fields is None:
        found, expected, fix = "a quote that is not closed", "whole quoted fields", "close the quote, or double it"
    elif len(fields) != len(header):
        found, expected = f"{len(fields)} fields", f"{len(header)} as in the header"
        fix = "quote fields that hold commas, and leave none out"
    elif any(is_binary(field) for field in fields):
        column = next(name for name, field in zip(header, fields, strict=True) if is_binary(field))
        line_and_column = f"line {line}, column {column}"
        found = told(fields[list(header).index(column)])
        return SourceFault(FaultRule.INDEX, index.name, line_and_column, found, "text in UTF-8", "save it as UTF-8")
    else:
        return None
    return SourceFault(FaultRule.INDEX, index.name, f"line {line}", found, expected, fix)


def _whole(index: Index, found: str, expected: str, fix: str) -> SourceFaultError:
    return SourceFaultError(SourceFault(FaultRule.INDEX, index.name, "", found, expected, fix))
