"""``wm stage``: one stage, exactly as Flyte and ``dvc repro`` call it."""

from pathlib import Path
from typing import Annotated

import typer

from workflows.cli.options import Benchmark, Corpus, Json, Profile, Use, WorkdirOption


def stage(
    name: Annotated[str, typer.Argument(help="One of the nineteen stages.")],
    workdir: WorkdirOption = None,
    profile: Profile = None,
    corpus: Corpus = None,
    use: Use = "research",
    benchmark: Benchmark = None,
    force: Annotated[bool, typer.Option(help="Execute although nothing changed.")] = False,
    json: Json = False,
) -> None:
    """Run one stage on the latest finished versions of its inputs. `dvc repro` in a workdir calls this.

    The DVC lock is left to DVC. Without --corpus, `ingest` reads the corpus of the workdir's last run.
    """
    from dataclasses import replace

    from workflows.cli.run import chosen_settings, run_options
    from workflows.companions import ProductHooks
    from workflows.local_run import run_span
    from workflows.pipeline import PRODUCT

    settings = chosen_settings(profile, benchmark)
    directory = workdir or Path(settings.workdir)
    given = corpus or _last_corpus(directory)
    options = run_options(settings, given, directory, (name, name), [name] if force else [], use)
    outcome = run_span(PRODUCT, replace(options, writes_lock=False), ProductHooks())
    typer.echo(outcome.stages[0].model_dump_json() if json else f"{name}: {outcome.stages[0].status.value}")
    if outcome.error is not None:
        raise outcome.error
    if outcome.interrupted:
        raise typer.Exit(130)


def _last_corpus(workdir: Path) -> Path | None:
    from infra.corpus_input import recorded_corpus
    from infra.workdir import Workdir

    return recorded_corpus(Workdir(workdir.resolve()))
