"""Options that several commands share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from data_contracts.contract_loader import ContractSet
    from infra.workdir import Workdir

Profile = Annotated[str | None, typer.Option(help="Settings to use: local or cluster [default: $SANA_WM_PROFILE].")]
WorkdirOption = Annotated[Path | None, typer.Option("--workdir", help="Where artifacts live [default: runs/local].")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, last.")]
Corpus = Annotated[Path | None, typer.Option(help="Directory of videos [default: render the embedded corpus once].")]
Benchmark = Annotated[
    Path | None, typer.Option(help="Published benchmark no training clip may show [default: that of the settings].")
]
First = Annotated[str | None, typer.Option("--from", help="First stage, on the latest finished inputs.")]
Last = Annotated[str | None, typer.Option("--until", help="Last stage.")]
Force = Annotated[list[str] | None, typer.Option("--force", help="Execute this stage although nothing changed.")]
Steward = Annotated[str | None, typer.Option("--by", help="Who decides [default: the user's name].")]
Use = Annotated[str, typer.Option(help="Declared use: research or commercial.")]


def chosen_workdir(workdir: Path | None) -> "Workdir":
    """The workdir of ``--workdir``, or that of the settings."""
    from infra.settings import load_settings
    from infra.workdir import Workdir

    return Workdir(workdir or Path(load_settings().workdir))


def contracts_in_force(workdir: Path | None) -> "ContractSet":
    """The contracts, with the waivers that the workdir's ledger has in force today."""
    from data_contracts.contract_loader import load_contracts
    from infra.ledger import Ledger

    return load_contracts().waiving(Ledger(chosen_workdir(workdir)).decisions().waived)


def steward_name(by: str | None) -> str:
    """Who an entry of the ledger is by."""
    import getpass

    return by or getpass.getuser()
