"""How one version of the verdicts differs from another, as one join of their tables."""

from dataclasses import dataclass

import polars as pl

from data_contracts.clip import ClipStatus

COLUMNS = ["path", "clip_id", "source", "status", "reasons"]
ABSENT = "absent"


@dataclass(frozen=True)
class VerdictChanges:
    """The clips that changed, with both fates, and how many there are of each kind."""

    table: pl.DataFrame
    clips: int
    accepted_before: int
    accepted_after: int

    @property
    def gained(self) -> int:
        """Accepted now and not before."""
        return self._count((pl.col("after") == ACCEPTED) & (pl.col("before") != ACCEPTED))

    @property
    def lost(self) -> int:
        """Accepted before and not now."""
        return self._count((pl.col("before") == ACCEPTED) & (pl.col("after") != ACCEPTED))

    @property
    def other_reasons(self) -> int:
        """Not accepted either way."""
        return self._count((pl.col("before") != ACCEPTED) & (pl.col("after") != ACCEPTED))

    def _count(self, which: pl.Expr) -> int:
        return self.table.filter(which).height


ACCEPTED = ClipStatus.ACCEPTED.value


def verdict_changes(before: pl.DataFrame | None, after: pl.DataFrame) -> VerdictChanges:
    """Compare two ``VerdictRow`` tables by path; without an older one every clip is new.

    The table of changes has ``path source clip_before clip_after before after reasons_before reasons_after``, sorted by
    path; a clip that one side does not list is ``absent`` there.
    """
    older = after.clear() if before is None else before
    joined = older.select(COLUMNS).join(after.select(COLUMNS), on="path", how="full", suffix="_after")
    table = joined.select(
        path=pl.coalesce("path", "path_after"),
        source=pl.coalesce("source_after", "source"),
        clip_before=pl.col("clip_id").fill_null(""),
        clip_after=pl.col("clip_id_after").fill_null(""),
        before=pl.col("status").fill_null(ABSENT),
        after=pl.col("status_after").fill_null(ABSENT),
        reasons_before=pl.col("reasons").fill_null([]),
        reasons_after=pl.col("reasons_after").fill_null([]),
    )
    changed = (pl.col("before") != pl.col("after")) | (pl.col("reasons_before") != pl.col("reasons_after"))
    return VerdictChanges(
        table.filter(changed).sort("path"),
        after.height,
        older.filter(pl.col("status") == ACCEPTED).height,
        after.filter(pl.col("status") == ACCEPTED).height,
    )
