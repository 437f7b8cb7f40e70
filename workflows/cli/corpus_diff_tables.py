"""Tables of ``wm corpus diff`` for a terminal."""

from rich.table import Table

from data_contracts.corpus_change import CorpusDiff
from workflows.cli.consoles import table_console

TOLD = 0.01
"""Chance below which a shift is told: rarer than one in a hundred between samples of one distribution."""


def show_diff(diff: CorpusDiff) -> None:
    """Clips whose fate differs, then the shifts that are no accident."""
    console = table_console()
    console.print(f"{diff.clips_before} inputs and {diff.clips_after}")
    fates = Table("path", "before", "after", "reasons before", "reasons after", title=f"{len(diff.fates)} fates differ")
    for change in diff.fates:
        reasons = ", ".join(change.reasons_before), ", ".join(change.reasons_after)
        fates.add_row(change.path, change.before, change.after, *reasons)
    if diff.fates:
        console.print(fates)
    shifted = [shift for shift in diff.shifts if shift.chance < TOLD]
    table = Table(
        "source", "metric by scorer", "clips", "median", "distance", "chance", title=f"{len(shifted)} scores shift"
    )
    for shift in shifted:
        table.add_row(
            shift.source,
            f"{shift.metric} by {shift.scorer}",
            f"{shift.clips_before} -> {shift.clips_after}",
            f"{shift.median_before:.4g} -> {shift.median_after:.4g}",
            f"{shift.distance:.2f}",
            f"{shift.chance:.1e}",
        )
    console.print(table if shifted else "no score shifts")
