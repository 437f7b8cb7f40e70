"""``wm plan``: what a run would do, and why."""

from typing import TYPE_CHECKING

import typer

from workflows.cli.options import Benchmark, Corpus, First, Force, Json, Last, Profile, Use, WorkdirOption

if TYPE_CHECKING:
    from data_contracts.plan import RunPlan, StagePlan

SHOWN = 2


def plan(  # noqa: PLR0913, PLR0917 - one parameter per option of the command
    profile: Profile = None,
    corpus: Corpus = None,
    workdir: WorkdirOption = None,
    first: First = None,
    last: Last = None,
    force: Force = None,
    use: Use = "research",
    benchmark: Benchmark = None,
    json: Json = False,
) -> None:
    """Say which stages would run, why, on how many clips and at what cost. Runs and writes nothing.

    A moved threshold is judged on the stored scores, so the plan knows whether any verdict would change.
    """
    from workflows.cli.run import chosen_settings, run_options
    from workflows.companions import ProductHooks
    from workflows.pipeline import PRODUCT
    from workflows.planning import plan_run

    options = run_options(chosen_settings(profile, benchmark), corpus, workdir, (first, last), force or [], use)
    made = plan_run(PRODUCT, options, ProductHooks())
    if json:
        typer.echo(made.model_dump_json())
    else:
        _show(made)


def _show(plan: "RunPlan") -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table("stage", "from", "plan", "why", "clips", "seconds", title=f"profile {plan.profile}")
    for stage in plan.stages:
        table.add_row(*_row(stage))
    console.print(table)
    misses = sum(stage.status.value == "miss" for stage in plan.stages)
    console.print(
        f"{misses} of {len(plan.stages)} stages would run: about {plan.seconds:.0f} s, {plan.gpu_hours:.1f} GPU-hours, "
        f"{plan.bytes / 1e6:.1f} MB, {plan.cost:.2f} {plan.currency}"
    )
    if plan.unknown:
        console.print(f"not in these figures, because they never ran here: {', '.join(plan.unknown)}")


def _row(stage: "StagePlan") -> tuple[str, ...]:
    status = "[cyan]HIT[/]" if stage.status.value == "hit" else "[yellow]MISS[/]"
    clips = "" if stage.items is None else str(stage.items)
    seconds = "" if stage.seconds is None else f"{stage.seconds:.0f}"
    return stage.name, _few(stage.inputs, ", "), status, _few(stage.reasons, "; "), clips, seconds


def _few(words: list[str], separator: str) -> str:
    """The first ones, and how many more; --json has all."""
    more = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return separator.join(words[:SHOWN]) + more
