"""``wm corpus page``: the steward's page of a workdir's corpus."""

from pathlib import Path
from typing import Annotated

import typer

from workflows.cli.options import WorkdirOption, chosen_workdir


def page(
    workdir: WorkdirOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the page; default: reports/corpus in the workdir.")
    ] = None,
) -> None:
    """Write a static page of the corpus: funnel, near misses, histograms, and a searchable viewer of every clip."""
    from tasks.reporting.corpus_page.source import read_source
    from tasks.reporting.corpus_page.write import write_corpus_page

    home = chosen_workdir(workdir)
    source = read_source(home.artifacts)
    folder = out or home.root / "reports" / "corpus"
    folder.parent.mkdir(parents=True, exist_ok=True)
    typer.echo(str(write_corpus_page(source, folder)))
