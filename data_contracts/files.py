"""Records as files."""

from pathlib import Path

from data_contracts.base import Record


def write_record(path: Path, record: Record) -> None:
    """One record as indented JSON, in the order of its fields: the same record gives the same bytes."""
    path.write_text(record.model_dump_json(indent=1) + "\n")
