"""Records as artifact bytes."""

from pathlib import Path

from data_contracts.base import Record


def write_record(path: Path, record: Record) -> None:
    """One record as JSON with sorted layout: the same record gives the same bytes."""
    path.write_text(record.model_dump_json(indent=1) + "\n")
