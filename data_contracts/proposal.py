"""What ``wm contract`` prints with ``--json``."""

from data_contracts.base import Record
from data_contracts.contract_change import ContractChange


class ChangedClip(Record):
    """A clip whose status or reasons would change. ``unmeasured`` rules have no score yet and could still reject it."""

    path: str
    clip_id: str
    source: str
    before: str
    after: str
    reasons_before: list[str]
    reasons_after: list[str]
    unmeasured: list[str]
    thumbnail: str


class ProposalReport(Record):
    """``wm contract try``: accepted clips and hours of both sides, and every clip that changes."""

    clips: int
    gained: list[ChangedClip]
    lost: list[ChangedClip]
    other_reasons: list[ChangedClip]
    accepted_before: int
    accepted_after: int
    hours_before: float
    hours_after: float


class ContractReport(Record):
    """``wm contract lint`` and ``diff``: every difference, and where a version does not follow it."""

    changes: list[ContractChange]
    problems: list[str]
