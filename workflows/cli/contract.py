"""``wm contract``: lint, compare, export and try data contracts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workflows.cli.options import Json, WorkdirOption, chosen_workdir, contracts_in_force

if TYPE_CHECKING:
    from data_contracts.contract_loader import ContractSet
    from data_contracts.proposal import ContractReport

app = typer.Typer(help="Lint, compare, export and try data contracts.", no_args_is_help=True)
Proposal = Annotated[Path, typer.Argument(help="A contract file, which replaces the one of its source; or a folder.")]


@app.command()
def lint(
    proposal: Annotated[
        Path | None, typer.Argument(help="A contract file or a folder [default: those in force].")
    ] = None,
    json: Json = False,
) -> None:
    """Check contracts: each by itself, against each other, and their versions against those in force.

    Exit 2 when a file is no contract, 1 when a version does not follow what changed.
    """
    from data_contracts.contract_loader import load_contracts

    if proposal is None:
        contracts = load_contracts()
        _print_report(_report(None), json, f"{1 + len(contracts.by_source)} contracts fit each other")
        return
    report = _report(proposal)
    _print_report(report, json, "no difference to the contracts in force")
    _fail_on_problems(report)


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(help="A folder of contracts.")],
    after: Annotated[Path, typer.Argument(help="A contract file or a folder.")],
    json: Json = False,
) -> None:
    """Print every difference and the version step it asks for.

    A removed column, a narrowed type or a looser licence is a major one.
    """
    from data_contracts.contract_loader import load_contracts

    _print_report(_report(after, load_contracts(before)), json, "no difference")


@app.command()
def export(out: Annotated[Path, typer.Argument(help="Directory to write into.")]) -> None:
    """Write the contracts in force for other tools: a JSON Schema a table, and every rule of every source."""
    from data_contracts.contract_export import export_contracts
    from data_contracts.contract_loader import load_contracts

    for name in export_contracts(load_contracts(), out):
        typer.echo(str(out / name))


@app.command("try")
def try_command(proposal: Proposal, workdir: WorkdirOption = None, json: Json = False) -> None:
    """Judge the stored scores under a proposal and list the clips whose fate changes. Changes nothing."""
    from data_contracts.contract_loader import with_proposal
    from tasks.filtering.proposal import try_proposal
    from tasks.filtering.report import read_corpus
    from workflows.cli.contract_tables import show_proposal

    in_force = contracts_in_force(workdir)
    proposed = with_proposal(in_force, proposal)
    corpus = read_corpus(chosen_workdir(workdir).artifacts)
    report = try_proposal(corpus, in_force, proposed)
    if json:
        typer.echo(report.model_dump_json())
    else:
        show_proposal(report)


def _report(proposal: Path | None, base: "ContractSet | None" = None) -> "ContractReport":
    from data_contracts.contract_change import contract_changes, version_problems
    from data_contracts.contract_loader import load_contracts, with_proposal
    from data_contracts.licence import load_licences
    from data_contracts.proposal import ContractReport

    in_force = base or load_contracts()
    proposed = in_force if proposal is None else with_proposal(in_force, proposal)
    changes = contract_changes(in_force, proposed, load_licences())
    return ContractReport(changes=changes, problems=version_problems(in_force, proposed, changes))


def _print_report(report: "ContractReport", json: bool, nothing: str) -> None:
    from workflows.cli.contract_tables import show_changes

    if json:
        typer.echo(report.model_dump_json())
    elif report.changes:
        show_changes(report)
    else:
        typer.echo(nothing)


def _fail_on_problems(report: "ContractReport") -> None:
    from data_contracts.errors import ErrorCode, OperationError

    if report.problems:
        raise OperationError(
            ErrorCode.CONTRACT_INVALID,
            f"{len(report.problems)} problems, first {report.problems[0]}",
            "raise the version that it names",
        )
