"""What ``wm doctor`` found."""

from enum import StrEnum

from data_contracts.base import Record


class Health(StrEnum):
    """``warning`` works, with less; ``problem`` does not work."""

    GOOD = "good"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(Record):
    """One check: what was found, and what to do where it is not good."""

    check: str
    health: Health
    found: str
    fix: str = ""


class DoctorReport(Record):
    """All checks, in the order in which they were made."""

    findings: list[Finding]
