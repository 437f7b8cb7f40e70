"""Tables of ``wm contract`` for a terminal."""

from rich.table import Table

from data_contracts.proposal import ChangedClip, ContractReport, ProposalReport
from workflows.cli.consoles import table_console


def show_changes(report: ContractReport) -> None:
    """Every difference with the version step it asks for, then what is wrong with the versions."""
    console = table_console()
    table = Table("contract", "what", "before", "after", "asks for", title=f"{len(report.changes)} differences")
    for change in report.changes:
        table.add_row(change.contract, change.subject, change.before, change.after, change.needs.value)
    console.print(table)
    for problem in report.problems:
        console.print(f"[red]{problem}")


def show_proposal(report: ProposalReport) -> None:
    """Counts and hours, then the clips that are gained, lost, or rejected for other reasons."""
    console = table_console()
    delta = report.accepted_after - report.accepted_before
    console.print(
        f"{report.clips} inputs: {report.accepted_before} accepted now, {report.accepted_after} under the proposal "
        f"({delta:+d}); {report.hours_before:.4f} h now, {report.hours_after:.4f} h then"
    )
    for title, clips in (
        ("gained", report.gained),
        ("lost", report.lost),
        ("rejected either way, for other reasons", report.other_reasons),
    ):
        if clips:
            console.print(_clips(f"{len(clips)} {title}", clips))
    if not (report.gained or report.lost or report.other_reasons):
        console.print("no clip changes")


def _clips(title: str, clips: list[ChangedClip]) -> Table:
    waits = any(clip.unmeasured for clip in clips)
    table = Table(
        "path", "clip", "reasons now", "reasons then", *(["still to be measured"] if waits else []), title=title
    )
    for clip in clips:
        lists = [clip.reasons_before, clip.reasons_after, *([clip.unmeasured] if waits else [])]
        table.add_row(clip.path, clip.clip_id[:12], *(", ".join(one) for one in lists))
    return table
