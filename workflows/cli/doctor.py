"""``wm doctor``: is this machine fit for a run, and what to do where it is not."""

from pathlib import Path

import typer

from workflows.cli.options import Json, Profile, WorkdirOption


def doctor(profile: Profile = None, workdir: WorkdirOption = None, json: Json = False) -> None:
    """Check interpreter, cores, memory, disk, file system, encoder and port. Exits 1 where a run cannot work."""
    from data_contracts.doctor import Health
    from infra.health import examine
    from infra.settings import load_settings

    settings = load_settings(profile)
    report = examine(settings, workdir or Path(settings.workdir))
    if json:
        typer.echo(report.model_dump_json())
    else:
        for finding in report.findings:
            fix = f"\n             fix: {finding.fix}" if finding.fix else ""
            typer.echo(f"{finding.health.value:8} {finding.check}: {finding.found}{fix}")
    if any(finding.health is Health.PROBLEM for finding in report.findings):
        raise typer.Exit(1)
