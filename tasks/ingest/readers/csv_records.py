"""The records of a CSV file, one at a time, so that a wrong one costs no other."""

import csv
from collections.abc import Iterator, Sequence


def records(lines: Sequence[str], start: int, width: int) -> Iterator[tuple[int, list[str] | None]]:
    """Line number and fields of each row from ``start`` on, None where a quote stays open.

    A quoted field may hold line breaks. A quote that was never closed would swallow the rows behind it: where the next
    line is a whole row by itself, only the line with the quote is lost.
    """
    while start < len(lines):
        end = _end(lines, start)
        fields = fields_of(lines[start:end])
        if end - start > 1 and (fields is None or len(fields) != width):
            behind = fields_of(lines[start + 1 : start + 2])
            if behind is not None and len(behind) == width:
                end, fields = start + 1, None
        if fields != []:
            yield start + 1, fields
        start = end


def _end(lines: Sequence[str], start: int) -> int:
    """The line behind the row that begins at ``start``: where its quotes are closed, else the end of the file."""
    quotes = 0
    for end in range(start, len(lines)):
        quotes += lines[end].count('"')
        if quotes % 2 == 0:
            return end + 1
    return len(lines)


def fields_of(lines: Sequence[str]) -> list[str] | None:
    """The fields of one record, [] for a blank line, None where a quote stays open or stands where none may."""
    try:
        return next(csv.reader(lines, strict=True), [])
    except csv.Error:
        return None


def is_binary(text: str) -> bool:
    """Whether something in it is no text: a control character, or the mark of a byte that no encoding explains."""
    return any(character == "\ufffd" or (character < " " and character not in "\t\n\r") for character in text)
