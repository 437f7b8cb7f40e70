"""``wm corpus export`` and ``wm corpus check-layout``: the authors' training layout, out of a workdir and read back."""

from pathlib import Path
from typing import Annotated

import typer

from workflows.cli.options import Json, WorkdirOption, chosen_workdir


def export(
    to: Annotated[Path, typer.Option("--to", help="A new directory, or an earlier export, which is replaced.")],
    workdir: WorkdirOption = None,
    json: Json = False,
) -> None:
    """Write the accepted clips in the authors' training layout: latents, cameras, scores, captions.

    The same workdir gives the same bytes. Scores of other scorers than the layout names are left out.
    """
    from tasks.latents.training_layout.export import export_latents

    made = export_latents(chosen_workdir(workdir).artifacts, to)
    if json:
        typer.echo(made.model_dump_json())
        return
    measured = ", ".join(f"{kind} {count}" for kind, count in made.scores.items())
    typer.echo(f"{made.clips} clips in {len(made.files) + 1} files: {to}\nscores: {measured}")
    typer.echo(f"next: wm corpus check-layout {to / 'raw'} {to / 'latents'}")


def check_layout(
    raw: Annotated[Path, typer.Argument(help="Directory of the raw zips and their sidecars.")],
    latents: Annotated[Path, typer.Argument(help="Directory of the latent zips, named as the raw ones.")],
    json: Json = False,
) -> None:
    """Read archives of the authors' training layout clip by clip: one line a problem. Exit 2 when there is one."""
    from data_contracts.errors import ErrorCode, InputError
    from tasks.latents.training_layout.check import check_layout as check

    found = check(raw, latents)
    if json:
        typer.echo(found.model_dump_json())
    else:
        for problem in found.problems:
            typer.echo(problem)
        measured = ", ".join(f"{kind} {count}" for kind, count in found.scores.items())
        typer.echo(f"{found.clips} whole clips in {found.archives} archives; captions {found.captions}, {measured}")
    if found.problems:
        raise InputError(
            ErrorCode.CORPUS_UNREADABLE,
            f"{len(found.problems)} problems, first {found.problems[0]}",
            "write these entries again, or remove their keys from the raw zip",
        )
