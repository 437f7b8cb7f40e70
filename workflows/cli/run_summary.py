"""What a person reads at the end of ``wm run``."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from data_contracts.report import RunResult, StageStatus

STYLES = {
    StageStatus.EXECUTED: "green",
    StageStatus.CACHED: "cyan",
    StageStatus.SKIPPED: "dim",
    StageStatus.FAILED: "red",
}


def show_summary(result: RunResult, workdir: Path) -> None:
    """Print the stages, the paths of what was made and the next commands."""
    console = Console(highlight=False, soft_wrap=True)
    table = Table("stage", "status", "seconds", "artifact")
    for stage in result.stages:
        style = STYLES[stage.status]
        table.add_row(stage.name, f"[{style}]{stage.status.value}[/]", f"{stage.seconds:.1f}", stage.artifact)
    console.print(table)
    made = {
        "report": result.report,
        "video": result.video,
        "model version": result.model_version,
        "endpoint": result.endpoint,
    }
    for name, value in made.items():
        if value:
            console.print(f"{name:>14}: {value}")
    console.print(f"          next: wm ui --workdir {workdir}; wm corpus stats --workdir {workdir}")
