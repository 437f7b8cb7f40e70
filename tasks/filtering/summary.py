"""Counts of verdicts, for a stage's summary."""

from collections import Counter
from collections.abc import Sequence

from data_contracts.clip import ClipStatus
from data_contracts.quality import VerdictRow

COUNTED = (ClipStatus.ACCEPTED, ClipStatus.REJECTED, ClipStatus.QUARANTINED)


def count_verdicts(verdicts: Sequence[VerdictRow]) -> dict[str, float]:
    """``accepted``, ``rejected`` and ``quarantined``, zeros included."""
    counts = Counter(verdict.status for verdict in verdicts)
    return {status.value: float(counts[status]) for status in COUNTED}
