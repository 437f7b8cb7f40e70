"""What is wrong in the files beside the media: one fault, one line, one rule."""

from dataclasses import dataclass

from data_contracts.source_fault import FaultRule

LONGEST = 60


@dataclass(frozen=True)
class SourceFault:
    """One fault.

    Attributes:
        rule: the rule it breaks.
        file: where, relative to the source's folder.
        field: the column, key or array, with its line, row or frame; "" = the file as a whole.
        found: what is there, as ``told`` shortens it.
        expected: what should be there.
        fix: what to do.
    """

    rule: FaultRule
    file: str
    field: str
    found: str
    expected: str
    fix: str

    def __str__(self) -> str:
        """The line that a person reads."""
        place = f"{self.file}, {self.field}" if self.field else self.file
        return f"{place}: found {self.found}; expected {self.expected}; fix: {self.fix}"


class SourceFaultError(Exception):
    """An input's sidecar, or its row of an index, cannot be used.

    Attributes:
        fault: what is wrong.
    """

    def __init__(self, fault: SourceFault) -> None:
        super().__init__(str(fault))
        self.fault = fault

    def __reduce__(self) -> tuple[type, tuple[SourceFault]]:
        return type(self), (self.fault,)


def told(value: object) -> str:
    """A value as a message shows it: on one line, and not longer than a line should be."""
    text = f"{value:g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
