"""What a person sees of faults while a corpus is read: one line a problem, whatever the number of rows it costs."""

from collections.abc import Sequence

from data_contracts.clip import ClipRow, ClipStatus


def fault_lines(rows: Sequence[ClipRow]) -> list[str]:
    """One line for each distinct problem of each source, in the order of the rows: whom it costs, and what it is."""
    concerned: dict[tuple[str, ClipStatus, str], list[ClipRow]] = {}
    for row in rows:
        if row.detail:
            concerned.setdefault((row.source, row.status, row.detail), []).append(row)
    return [_line(status, detail, group) for (_, status, detail), group in concerned.items()]


def _line(status: ClipStatus, detail: str, rows: Sequence[ClipRow]) -> str:
    first = rows[0]
    whom = first.path if len(rows) == 1 else f"{len(rows)} inputs of {first.source}, first {first.path}"
    if status is ClipStatus.QUARANTINED:
        return f"quarantined {whom} ({', '.join(first.reasons)}): {detail}"
    return f"to be rejected {whom}: {detail}"
