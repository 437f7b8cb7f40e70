"""``wm takedown``: a tombstone for a clip or a source video, and the list of what holds it."""

from typing import TYPE_CHECKING, Annotated

import typer

from workflows.cli.options import Json, Profile, Steward, WorkdirOption, chosen_workdir
from workflows.cli.waive import Reason

if TYPE_CHECKING:
    from data_contracts.takedown import TakedownReport


def takedown(
    subject: Annotated[str, typer.Argument(help="A clip id, the beginning of one, a listed path, or a video's id.")],
    reason: Reason,
    by: Steward = None,
    workdir: WorkdirOption = None,
    profile: Profile = None,
    json: Json = False,
) -> None:
    """Put a tombstone on a clip or on every clip of a source video, and name all that holds it.

    No release can be made of anything that holds it, until `wm run` has planned it anew without. Stored versions are
    named, not deleted: what is served now has to be withdrawn by its owner.
    """
    from data_contracts.decision import Takedown
    from infra.ledger import Ledger
    from infra.settings import load_settings
    from workflows.cli.options import steward_name
    from workflows.graph import GRAPH
    from workflows.lineage import open_lineage
    from workflows.takedown import find_subject, report_holdings

    home = chosen_workdir(workdir)
    lineage = open_lineage(GRAPH, home.root, load_settings(profile))
    found = find_subject(lineage, subject)
    body = Takedown(subject=found.name, clip_ids=found.clip_ids)
    report = report_holdings(lineage, found, Ledger(home).append(body, steward_name(by), reason))
    if json:
        typer.echo(report.model_dump_json())
    else:
        _show(report)


def _show(report: "TakedownReport") -> None:
    from rich.table import Table

    from workflows.cli.consoles import table_console

    console = table_console()
    console.print(f"ledger entry {report.entry.sequence}: {', '.join(report.paths)} taken down")
    table = Table("held by", "artifact", "version", "in", title="stored versions that hold it")
    for kind, holdings in (("media", report.media), ("shard", report.shards), ("checkpoint", report.checkpoints)):
        for holding in holdings:
            table.add_row(kind, holding.artifact, holding.id, ", ".join(holding.parts))
    for name in report.served:
        table.add_row("[red]released[/]", name, "", "")
    console.print(table)
    console.print("releases of any of these are blocked; `wm run` makes them anew without it")
