"""Sources, tools and weights under each licence, and what it allows: one table, counted without a loop over clips."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from data_contracts.clip import ClipStatus
from data_contracts.explanation import LicenceUse
from data_contracts.licence import LicenceTable
from data_contracts.release import LicensedPart
from tasks.filtering.report import clip_tables, verdict_table

UNKNOWN = "unknown: allows nothing until it is added to licences.yaml"


def licence_uses(artifacts: Path | None, parts: Sequence[LicensedPart], table: LicenceTable) -> list[LicenceUse]:
    """The licence table with the clips and the parts under each licence; one that it does not know allows nothing.

    Args:
        artifacts: directory with one checkout an artifact; None = no clips are counted.
        parts: tools and weights that a release rests on.
        table: what each licence allows.
    """
    counted = _counted(artifacts) if artifacts else {}
    known = {entry.id: entry for entry in table.licences}
    unknown = {*counted, *(part.licence for part in parts)} - set(known)
    uses: list[LicenceUse] = []
    for licence in [*known, *sorted(unknown)]:
        entry = known.get(licence)
        sources, accepted, listed = counted.get(licence, ([], 0, 0))
        uses.append(
            LicenceUse(
                licence=licence,
                allows=entry.allows if entry else [],
                note=entry.note if entry else UNKNOWN,
                sources=sources,
                parts=[part.name for part in parts if part.licence == licence],
                accepted=accepted,
                listed=listed,
            )
        )
    return uses


def _counted(artifacts: Path) -> dict[str, tuple[list[str], int, int]]:
    """Licence -> sources under it, accepted clips, listed clips."""
    columns = ["path", "source", "licence"]
    clips = pl.concat([pl.scan_parquet(path).select(columns) for path in clip_tables(artifacts)])
    verdicts = pl.scan_parquet(verdict_table(artifacts)).select("path", "status")
    accepted = (pl.col("status") == ClipStatus.ACCEPTED.value).fill_null(value=False).sum()
    found = (
        clips.join(verdicts, on="path", how="left")
        .group_by("licence")
        .agg(pl.col("source").unique().sort(), accepted=accepted, listed=pl.len())
        .collect()
    )
    return {licence: (sources, taken, listed) for licence, sources, taken, listed in found.iter_rows()}
