"""The record of a benchmark: a JSON file, written after every part, so that a run cut short keeps what it measured."""

import json
import sys
from pathlib import Path
from typing import Any


class BenchRecord:
    """What was measured so far.

    Args:
        file: where it is written.
        record: what is known before anything is measured.
    """

    def __init__(self, file: Path, record: dict[str, Any]) -> None:
        self._file = file
        self.record = record
        file.parent.mkdir(parents=True, exist_ok=True)

    def keep(self, list_name: str, row: dict[str, Any]) -> None:
        """Append a row to a list of the record, write it and say so."""
        self.record.setdefault(list_name, []).append(row)
        self.write()
        told = {name: value for name, value in row.items() if not isinstance(value, list | dict)}
        sys.stdout.write(f"{list_name}: {told}\n")
        sys.stdout.flush()

    def write(self) -> None:
        """The file as it stands."""
        self._file.write_text(json.dumps(self.record, indent=1) + "\n")
