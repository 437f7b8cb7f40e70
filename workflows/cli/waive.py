"""``wm waive``: let one clip pass one rule, signed and until a day."""

from typing import Annotated

import typer

from workflows.cli.options import Json, Steward, WorkdirOption, chosen_workdir

Reason = Annotated[str, typer.Option(help="Why, for whoever reads the ledger in a year.")]


def waive(
    clip: Annotated[str, typer.Argument(help="A clip id, the beginning of one, or a listed path.")],
    rule: Annotated[str, typer.Argument(help="A rule that the clip fails.")],
    reason: Reason,
    until: Annotated[str, typer.Option(help="Last day it holds, YYYY-MM-DD (UTC), at most a year ahead.")],
    by: Steward = None,
    workdir: WorkdirOption = None,
    json: Json = False,
) -> None:
    """Let a clip pass a rule until a day. The next `wm run` judges with it, and without it once it has expired.

    Media that cannot be read, licences, duplicates, overlap with the benchmark and tombstones cannot be waived.
    """
    from data_contracts.contract_loader import load_contracts
    from infra.ledger import Ledger
    from tasks.filtering.waiver import checked_waiver
    from workflows.cli.options import steward_name

    home = chosen_workdir(workdir)
    waiver = checked_waiver(home.artifacts, load_contracts(), clip, rule, until)
    entry = Ledger(home).append(waiver, steward_name(by), reason)
    if json:
        typer.echo(entry.model_dump_json())
    else:
        typer.echo(
            f"ledger entry {entry.sequence}: clip {waiver.clip_id} passes {rule} until {waiver.until}; "
            "`wm plan` says what that changes"
        )
