"""What ``wm takedown`` answers: the tombstone, and everything that holds what it names."""

from data_contracts.base import Record
from data_contracts.decision import LedgerEntry


class Holding(Record):
    """One version of an artifact. ``parts`` are the files or shards in it that hold the clips; empty = all of it."""

    artifact: str
    id: str
    parts: list[str]


class TakedownReport(Record):
    """``wm takedown --json``.

    Attributes:
        entry: the tombstone in the ledger.
        paths: the listed inputs that it means.
        media: stored videos and cameras of the clips.
        shards: latents of the clips.
        checkpoints: what was trained on them, directly or through a parent.
        served: released versions behind which they stand, ``name/version``.
    """

    entry: LedgerEntry
    paths: list[str]
    media: list[Holding]
    shards: list[Holding]
    checkpoints: list[Holding]
    served: list[str]
