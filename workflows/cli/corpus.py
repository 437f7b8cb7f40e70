"""``wm corpus``: build, read, count and check corpora."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workflows.cli.corpus_layout import check_layout, export
from workflows.cli.corpus_page import page
from workflows.cli.options import Json, Profile, WorkdirOption, chosen_workdir, contracts_in_force
from workflows.cli.synth import synth

if TYPE_CHECKING:
    from data_contracts.explanation import LicenceUse
    from data_contracts.release import LicensedPart
    from tasks.filtering.report import Corpus

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Build, read, count and check corpora.")
app.command("synth")(synth)
app.command("page")(page)
app.command("export")(export)
app.command("check-layout")(check_layout)


@app.command()
def ingest(
    corpus: Annotated[Path, typer.Argument(help="A folder of videos, or of sources as docs/sources.md describes.")],
    workdir: WorkdirOption = None,
    profile: Profile = None,
    json: Json = False,
) -> None:
    """Read a corpus: probe, cut and store every clip. The same as `wm run --corpus CORPUS --until ingest`."""
    from workflows.cli.run import run

    run(profile=profile, corpus=corpus, workdir=workdir, last="ingest", json=json)


@app.command()
def stats(
    workdir: WorkdirOption = None,
    json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print every score of every clip as a table.")] = False,
) -> None:
    """Count what became of each clip, by source and by reason, with every score's distribution and near misses."""
    from tasks.filtering.report import count
    from workflows.cli.corpus_markdown import score_table
    from workflows.cli.corpus_tables import show_stats

    corpus, contracts = _read(workdir), contracts_in_force(workdir)
    counted = count(corpus, contracts)
    if json:
        typer.echo(counted.model_dump_json())
    elif markdown:
        typer.echo(score_table(counted, corpus, contracts))
    else:
        show_stats(counted, corpus, contracts)


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(help="A workdir with verdicts.")],
    after: Annotated[Path, typer.Argument(help="Another.")],
    json: Json = False,
) -> None:
    """Compare two corpora: clips whose fate differs, and how every score has shifted, source by source."""
    from tasks.filtering.corpus_diff import diff_corpora
    from workflows.cli.corpus_diff_tables import show_diff

    found = diff_corpora(_read(before), _read(after))
    if json:
        typer.echo(found.model_dump_json())
    else:
        show_diff(found)


@app.command()
def validate(workdir: WorkdirOption = None, json: Json = False) -> None:
    """Check the contracts, and the stored verdicts against them. Exit 1 when something does not fit.

    Without finished verdicts in the workdir, the contracts alone are checked.
    """
    from data_contracts.errors import ErrorCode, OperationError
    from tasks.filtering.report import check_contracts
    from workflows.cli.corpus_tables import show_checks

    checks = check_contracts(_read_if_there(workdir), contracts_in_force(workdir))
    if json:
        typer.echo("[" + ",".join(check.model_dump_json() for check in checks) + "]")
    else:
        show_checks(checks)
    wrong = [check for check in checks if check.problem]
    if wrong:
        raise OperationError(
            ErrorCode.CONTRACT_INVALID,
            f"{len(wrong)} of {len(checks)} checks fail, first {wrong[0].subject}: {wrong[0].problem}",
            "`wm run --until filter` decides anew under the contracts in force",
        )


@app.command()
def licences(
    workdir: WorkdirOption = None,
    profile: Profile = None,
    use: Annotated[str, typer.Option(help="research or commercial: what the result is for.")] = "research",
    json: Json = False,
) -> None:
    """Show what each licence allows, and which clips, tools and weights are under it.

    Exit 1 when an accepted clip, or a part of the profile's release, forbids the use.
    """
    from data_contracts.errors import ErrorCode, InputError, OperationError
    from data_contracts.licence import Use, load_licences
    from tasks.filtering.licences import licence_uses
    from workflows.cli.corpus_tables import show_licences

    if use not in [allowed.value for allowed in Use]:
        raise InputError(
            ErrorCode.CONFIG_INVALID, f"--use is {use!r}; allowed are research and commercial", "pass one of them"
        )
    uses = licence_uses(_artifacts_with_verdicts(workdir), _released_parts(profile), load_licences())
    if json:
        typer.echo("[" + ",".join(entry.model_dump_json() for entry in uses) + "]")
    else:
        show_licences(uses)
    blocked = [entry for entry in uses if (entry.accepted or entry.parts) and Use(use) not in entry.allows]
    if blocked:
        told = "; ".join(_tell_blocked(entry) for entry in blocked)
        raise OperationError(
            ErrorCode.LICENCE_FORBIDS, f"{use} use is forbidden by {told}", f"run the filter again with `--use {use}`"
        )


def _tell_blocked(entry: "LicenceUse") -> str:
    clips = [f"{entry.accepted} clips of {', '.join(entry.sources)}"] if entry.accepted else []
    return f"{', '.join([*clips, *entry.parts])} ({entry.licence})"


def _released_parts(profile: str | None) -> "list[LicensedPart]":
    """Tools and weights that the profile's recipe of ``release`` names."""
    from infra.settings import load_settings
    from tasks.release.config import ReleaseConfig
    from workflows.declaration import Declaration
    from workflows.graph import GRAPH
    from workflows.pipeline import PRODUCT

    recipe = PRODUCT.config(GRAPH.find("release"), load_settings(profile), Declaration("research"))
    return ReleaseConfig.model_validate(recipe).parts


def _artifacts_with_verdicts(workdir: Path | None) -> Path | None:
    from data_contracts.errors import InputError
    from tasks.filtering.report import verdict_table

    artifacts = chosen_workdir(workdir).artifacts
    try:
        verdict_table(artifacts)
    except InputError:
        return None
    return artifacts


def _read(workdir: Path | None) -> "Corpus":
    from tasks.filtering.report import read_corpus

    return read_corpus(chosen_workdir(workdir).artifacts)


def _read_if_there(workdir: Path | None) -> "Corpus | None":
    from data_contracts.errors import InputError

    try:
        return _read(workdir)
    except InputError:
        return None
