"""What each licence allows: the table behind the licence gate (``contracts/licences.yaml``)."""

from enum import StrEnum
from pathlib import Path

from pydantic import Field

from data_contracts.base import Record
from data_contracts.yaml_file import read_yaml


class Use(StrEnum):
    """What the result is declared to be for."""

    RESEARCH = "research"
    COMMERCIAL = "commercial"


class LicenceEntry(Record):
    """One licence: its id, the uses it allows, and why."""

    id: str
    allows: list[Use] = Field(default_factory=list)
    note: str


class LicenceTable(Record):
    """Every licence the project knows. One it does not know allows nothing."""

    version: int
    licences: list[LicenceEntry]

    def allows(self, licence: str, use: Use) -> bool:
        """Whether clips under ``licence`` may go into something made for ``use``."""
        return any(entry.id == licence and use in entry.allows for entry in self.licences)


def load_licences(path: Path | None = None) -> LicenceTable:
    """The project's licence table.

    Raises:
        InputError: the file does not hold a licence table.
    """
    return read_yaml(path or Path(__file__).parent / "contracts" / "licences.yaml", LicenceTable)
