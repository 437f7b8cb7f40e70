"""``wm run``: the whole pipeline or a span of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workflows.cli.options import Benchmark, Corpus, First, Force, Json, Last, Profile, Use, WorkdirOption

if TYPE_CHECKING:
    from infra.settings import Settings
    from workflows.local_run import RunOptions

INTERRUPTED = 130
DryRun = Annotated[Path | None, typer.Option("--dry-run", help="Write what a cluster would be sent; run nothing.")]


def run(  # noqa: PLR0913, PLR0917 - one parameter per option of the command
    profile: Profile = None,
    corpus: Corpus = None,
    workdir: WorkdirOption = None,
    first: First = None,
    last: Last = None,
    force: Force = None,
    use: Use = "research",
    benchmark: Benchmark = None,
    dry_run: DryRun = None,
    json: Json = False,
) -> None:
    """Run the pipeline as a Flyte workflow. Finished stages whose inputs, code and settings are the same are reused.

    Examples: `wm run`, `wm run --corpus videos --until filter`, `wm run --from latents`, `wm run --force evaluate`.
    """
    settings = chosen_settings(profile, benchmark)
    options = run_options(settings, corpus, workdir, (first, last), force or [], use)
    if dry_run is not None:
        _render(settings, options, dry_run)
    else:
        _run(options, json)


def chosen_settings(profile: str | None, benchmark: Path | None) -> "Settings":
    """The settings of the profile, with ``--benchmark`` in place of its own."""
    from infra.settings import load_settings

    settings = load_settings(profile)
    return settings if benchmark is None else settings.model_copy(update={"benchmark": str(benchmark.resolve())})


def run_options(
    settings: "Settings",
    corpus: Path | None,
    workdir: Path | None,
    ends: tuple[str | None, str | None],
    force: list[str],
    use: str,
) -> "RunOptions":
    """The options of ``wm run`` and ``wm plan``, checked."""
    from data_contracts.errors import ErrorCode, InputError
    from workflows.local_run import RunOptions

    if use not in ("research", "commercial"):
        raise InputError(
            ErrorCode.CONFIG_INVALID, f"--use is {use!r}; allowed are research and commercial", "pass one of them"
        )
    if corpus is not None and not corpus.is_dir():
        raise InputError(
            ErrorCode.CORPUS_UNREADABLE, f"--corpus {corpus} is not a directory", "pass the directory of the videos"
        )
    from infra.run_name import new_run_name

    directory = workdir or Path(settings.workdir)
    return RunOptions(settings, directory, corpus, ends[0], ends[1], force, use, new_run_name())


def _run(options: "RunOptions", json: bool) -> None:
    from infra.settings import OrchestratorKind, choose_profile
    from workflows.companions import ProductHooks
    from workflows.local_run import run_span
    from workflows.pipeline import PRODUCT

    choose_profile(options.settings.profile)
    if options.settings.orchestrator.kind is OrchestratorKind.FLYTE:
        from workflows.remote import launch

        typer.echo(launch(PRODUCT, options))
        return
    hooks = ProductHooks()
    outcome = run_span(PRODUCT, options, hooks)
    result = hooks.result(outcome)
    if json:
        typer.echo(result.model_dump_json())
    else:
        from workflows.cli.run_summary import show_summary

        show_summary(result, options.workdir)
    if outcome.interrupted:
        typer.echo("interrupted; finished stages are kept, the next run goes on from here", err=True)
        raise typer.Exit(INTERRUPTED)
    if outcome.error is not None:
        raise outcome.error


def _render(settings: "Settings", options: "RunOptions", destination: Path) -> None:
    from workflows.cluster_render import render_cluster
    from workflows.pipeline import PRODUCT

    files = render_cluster(PRODUCT, settings, options, destination)
    typer.echo(f"{len(files)} files in {destination}:")
    for name in files:
        typer.echo(f"  {name}")
