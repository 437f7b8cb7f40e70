"""An index of a source, its rows, and what can be wrong in one cell. Reading it is ``index_rows``."""

from dataclasses import dataclass
from pathlib import Path

from data_contracts.plausible import PlausibleRange
from data_contracts.source_fault import FaultRule
from tasks.ingest.fault import SourceFault, SourceFaultError, told


@dataclass(frozen=True)
class Index:
    """An index: its file's name, the columns that must be there, which names an input, and which may be there."""

    name: str
    columns: tuple[str, ...]
    key: str
    optional: tuple[str, ...] = ("licence",)


@dataclass(frozen=True)
class IndexRow:
    """One row, by column; ``line`` is where it begins in the file (0 = the file as a whole), the header is line 1."""

    index: Index
    line: int
    cells: dict[str, str]
    fault: SourceFault | None = None

    def text(self, column: str) -> str:
        """A cell that must not be empty.

        Raises:
            SourceFaultError: it is.
        """
        value = self.cells[column]
        if not value.strip():
            raise self.wrong(column, "nothing", "a value", "fill the cell or remove the row")
        return value

    def number(self, column: str, allowed: PlausibleRange) -> float:
        """A cell that holds a number in the stated unit.

        Raises:
            SourceFaultError: it holds something else.
        """
        text = self.cells[column].strip()
        try:
            value = float(text)
        except ValueError as error:
            decimal = "; the decimal mark is a point" if "," in text else ""
            raise self.wrong(column, told(text), allowed.expectation, allowed.fix + decimal) from error
        if not allowed.holds(value):
            rule = FaultRule.UNIT if abs(value) < float("inf") else FaultRule.NOT_FINITE
            raise self.wrong(column, told(text), allowed.expectation, allowed.fix, rule)
        return value

    def wrong(
        self, column: str, found: str, expected: str, fix: str, rule: FaultRule = FaultRule.INDEX
    ) -> SourceFaultError:
        """The fault of one cell."""
        return SourceFaultError(
            SourceFault(rule, self.index.name, f"line {self.line}, column {column}", found, expected, fix)
        )


def inside(root: Path, row: IndexRow, column: str) -> Path:
    """``root`` / the path in a cell.

    Raises:
        SourceFaultError: the cell is empty, or points outside the source.
    """
    relative = row.text(column)
    path = root / relative
    if not path.resolve().is_relative_to(root.resolve()):
        fix = "paths of an index are relative to the source's folder"
        raise row.wrong(column, told(relative), "a path inside the source", fix)
    return path
