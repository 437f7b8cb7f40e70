"""What read commands about the corpus print with ``--json``."""

from pydantic import Field

from data_contracts.base import Record
from data_contracts.decision import LedgerEntry
from data_contracts.licence import Use
from data_contracts.outcome import OutcomeRow


class RuleFinding(Record):
    """One cell of a clip's verdict with its explanation: ``detail`` is the scorer's, ``reason`` the contract's."""

    outcome: OutcomeRow
    worst_frame: int
    detail: str
    reason: str


class ClipExplanation(Record):
    """``wm why --json``: everything that decided about one listed input.

    ``thumbnail`` is a file, "" = none; ``decisions`` are the ledger's entries about the clip or its source video, those
    that have expired or were revoked too.
    ``detail`` is what was seen in its files, "" = nothing wrong.
    """

    path: str
    clip_id: str
    source: str
    status: str
    reasons: list[str]
    detail: str
    contract: str
    thumbnail: str
    findings: list[RuleFinding]
    decisions: list[LedgerEntry] = Field(default_factory=list)


class LicenceUse(Record):
    """One line of ``wm corpus licences --json``: a licence, what it allows, and who is under it.

    ``parts`` are the tools and weights of the profile's release.
    """

    licence: str
    allows: list[Use]
    note: str
    sources: list[str]
    parts: list[str]
    accepted: int
    listed: int


class ContractCheck(Record):
    """One line of ``wm corpus validate --json``: what was checked, and what was wrong ("" = nothing)."""

    check: str
    subject: str
    problem: str
