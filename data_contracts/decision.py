"""What stewards decide about single clips, and the ledger that keeps it.

A decision never edits a table. It is an entry of the ledger; what is in force on the day of a run goes into the
configuration of the stages that it concerns, so it is part of their keys and of every provenance record.
"""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from data_contracts.base import Record

Reason = Annotated[str, Field(min_length=8, description="why, for whoever reads the ledger in a year")]


class Waiver(Record):
    """One rule does not reject one clip until the end of a day (UTC)."""

    kind: Literal["waiver"] = "waiver"
    clip_id: str = Field(min_length=1)
    rule: str = Field(pattern=r"^[a-z0-9_]+$")
    until: date


class Takedown(Record):
    """A tombstone: the clip, or every clip of the source video, must be in nothing that is released from now on."""

    kind: Literal["takedown"] = "takedown"
    subject: str = Field(min_length=1, description="a clip id, or a source video's id as clips.parquet has it")
    clip_ids: list[str] = Field(description="the clips that it meant when it was entered")


class Revocation(Record):
    """Takes an earlier waiver or takedown back."""

    kind: Literal["revocation"] = "revocation"
    revokes: int = Field(ge=1, description="sequence number of the entry")


class VerdictChange(Record):
    """How a new version of the verdicts differs from the one before it; ``changes`` is a table beside the ledger."""

    kind: Literal["verdicts"] = "verdicts"
    before: str = Field(description="artifact id of the older verdicts, empty for the first")
    after: str
    clips: int
    accepted_before: int
    accepted_after: int
    gained: int
    lost: int
    other_reasons: int
    changes: str = Field(description="SHA-256 of changes/<sequence>.parquet; empty where there is none")


class LedgerEntry(Record):
    """One line of the ledger. ``previous`` is the SHA-256 of the line before it, which makes the lines a chain."""

    sequence: int = Field(ge=1)
    at: AwareDatetime
    by: str = Field(min_length=1)
    reason: Reason
    previous: str
    body: Annotated[Waiver | Takedown | Revocation | VerdictChange, Field(discriminator="kind")]


class WaivedRule(Record):
    """A waiver as a stage is told of it: without its last day, so that a longer one changes no key."""

    clip_id: str
    rule: str


class Decisions(Record):
    """What is in force at a moment, sorted: equal decisions are equal bytes."""

    waived: tuple[WaivedRule, ...] = ()
    taken_down: tuple[str, ...] = ()


class Standing(StrEnum):
    """What an entry means today."""

    IN_FORCE = "in force"
    EXPIRED = "expired"
    REVOKED = "revoked"
    RECORDED = "recorded"


def standing(entry: LedgerEntry, entries: list[LedgerEntry], day: date) -> Standing:
    """Whether a decision still counts on a day; entries that decide nothing are records."""
    if isinstance(entry.body, Revocation | VerdictChange):
        return Standing.RECORDED
    if any(isinstance(other.body, Revocation) and other.body.revokes == entry.sequence for other in entries):
        return Standing.REVOKED
    if isinstance(entry.body, Waiver) and entry.body.until < day:
        return Standing.EXPIRED
    return Standing.IN_FORCE


def in_force(entries: list[LedgerEntry], day: date | None = None) -> Decisions:
    """The decisions that count on a day (today, UTC, unless told otherwise)."""
    today = day or datetime.now(UTC).date()
    bodies = [entry.body for entry in entries if standing(entry, entries, today) is Standing.IN_FORCE]
    waived = {(body.clip_id, body.rule) for body in bodies if isinstance(body, Waiver)}
    subjects = {body.subject for body in bodies if isinstance(body, Takedown)}
    return Decisions(
        waived=tuple(WaivedRule(clip_id=clip_id, rule=rule) for clip_id, rule in sorted(waived)),
        taken_down=tuple(sorted(subjects)),
    )
