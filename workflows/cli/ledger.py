"""``wm ledger``: the stewards' decisions and every change of the verdicts, verified."""

from typing import TYPE_CHECKING, Annotated

import typer

from workflows.cli.options import Json, Steward, WorkdirOption, chosen_workdir
from workflows.cli.waive import Reason

if TYPE_CHECKING:
    from data_contracts.decision import LedgerEntry

app = typer.Typer(help="Show, verify and revoke the stewards' decisions.", no_args_is_help=True)


@app.command()
def show(workdir: WorkdirOption = None, json: Json = False) -> None:
    """List every entry with what it means today, after its signature and its place in the chain were checked."""
    from infra.ledger import Ledger

    entries = Ledger(chosen_workdir(workdir)).entries()
    if json:
        typer.echo("[" + ",".join(entry.model_dump_json() for entry in entries) + "]")
    else:
        _show(entries)


@app.command()
def revoke(
    sequence: Annotated[int, typer.Argument(help="Number of the waiver or takedown.")],
    reason: Reason,
    by: Steward = None,
    workdir: WorkdirOption = None,
) -> None:
    """Take a waiver or a takedown back; both entries stay."""
    from datetime import UTC, datetime

    from data_contracts.decision import Revocation, Standing, standing
    from data_contracts.errors import ErrorCode, InputError
    from infra.ledger import Ledger
    from workflows.cli.options import steward_name

    ledger = Ledger(chosen_workdir(workdir))
    entries, today = ledger.entries(), datetime.now(UTC).date()
    standings = {entry.sequence: standing(entry, entries, today) for entry in entries}
    if standings.get(sequence) is not Standing.IN_FORCE:
        told = standings[sequence].value if sequence in standings else "not there"
        open_ones = [str(number) for number, one in standings.items() if one is Standing.IN_FORCE]
        raise InputError(
            ErrorCode.REQUEST_INVALID,
            f"SEQUENCE is {sequence}: that entry is {told}; in force are {', '.join(open_ones) or 'none'}",
            "`wm ledger show` lists all",
        )
    entry = ledger.append(Revocation(revokes=sequence), steward_name(by), reason)
    typer.echo(f"ledger entry {entry.sequence}: entry {sequence} is revoked")


def _show(entries: "list[LedgerEntry]") -> None:
    from datetime import UTC, datetime

    from rich.table import Table

    from data_contracts.decision import standing
    from workflows.cli.consoles import table_console

    today = datetime.now(UTC).date()
    table = Table("", "when", "by", "what", "today", "why", title=f"{len(entries)} entries, signatures and chain hold")
    for entry in entries:
        when = entry.at.strftime("%Y-%m-%d %H:%M")
        stands = standing(entry, entries, today).value
        table.add_row(str(entry.sequence), when, entry.by, _what(entry), stands, entry.reason)
    table_console().print(table)


def _what(entry: "LedgerEntry") -> str:
    from data_contracts.decision import Revocation, Takedown, Waiver

    match entry.body:
        case Waiver() as body:
            return f"clip {body.clip_id} passes {body.rule} until {body.until}"
        case Takedown() as body:
            return f"{body.subject} is taken down ({len(body.clip_ids)} clips)"
        case Revocation() as body:
            return f"entry {body.revokes} is revoked"
        case body:
            return (
                f"verdicts {body.after[:8]}: {body.accepted_after} of {body.clips} accepted "
                f"(+{body.gained} -{body.lost}, {body.other_reasons} for other reasons)"
            )
