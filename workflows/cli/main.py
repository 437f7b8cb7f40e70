"""The command ``wm``. Commands are imported when they are called, so help answers at once."""

import importlib
import importlib.util
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from data_contracts.errors import SanaWMError

HELP = """Raw video in, a served camera-controlled world model out.

Every artifact is versioned, every run traced, every clip's fate explained. Start with `wm run`, then `wm ui`.
Exit codes: 0 done, 2 the input or the command line is wrong, 1 anything else, 130 interrupted.
"""


@dataclass(frozen=True)
class Entry:
    """A command: where its function or Typer application is, and its line in the help."""

    name: str
    module: str
    attribute: str
    help: str


ENTRIES = (
    Entry("run", "workflows.cli.run", "run", "Run the pipeline, or a span of it."),
    Entry("plan", "workflows.cli.plan", "plan", "Say what a run would do, and why; run nothing."),
    Entry("stage", "workflows.cli.stage", "stage", "Run one stage on its latest inputs, as Flyte and DVC do."),
    Entry("why", "workflows.cli.why", "why", "Explain the verdict of one clip."),
    Entry("waive", "workflows.cli.waive", "waive", "Let one clip pass one rule until a day, signed."),
    Entry("takedown", "workflows.cli.takedown", "takedown", "Take a clip or a video down; name what holds it."),
    Entry("ledger", "workflows.cli.ledger", "app", "Show, verify and revoke the stewards' decisions."),
    Entry("lineage", "workflows.cli.lineage", "lineage", "Show where something came from and what came of it."),
    Entry("corpus", "workflows.cli.corpus", "app", "Build, read, count and check corpora."),
    Entry("contract", "workflows.cli.contract", "app", "Lint, compare, export and try data contracts."),
    Entry("generate", "workflows.cli.generate", "generate", "Make one video from an image, a prompt and a camera."),
    Entry("serve", "workflows.cli.serve", "serve", "Serve a release over HTTP."),
    Entry("weights", "workflows.cli.weights", "app", "Look into, check, convert, sign and try checkpoints."),
    Entry("kernels", "workflows.cli.kernels", "app", "Check and time the kernels on this machine."),
    Entry("ui", "workflows.cli.ui", "ui", "MLflow, data docs and reports in the browser."),
    Entry("doctor", "workflows.cli.doctor", "doctor", "Check this machine, with fixes."),
)


class LazyGroup(TyperGroup):
    """Imports a command's module when the command is called; the help needs names alone."""

    listing = False

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 - typer's own context type is private
        """Names in the order of the help."""
        return [entry.name for entry in ENTRIES if importlib.util.find_spec(entry.module)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - as above
        """The real command, or just its name and help while the help is written."""
        entry = next((entry for entry in ENTRIES if entry.name == cmd_name), None)
        if entry is None or entry.name not in self.list_commands(ctx):
            return None
        return TyperCommand(entry.name, help=entry.help, callback=main) if self.listing else _load(entry)

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - as above
        """Write the help without importing any command."""
        self.listing = True
        super().format_help(ctx, formatter)


def _load(entry: Entry) -> Any:  # noqa: ANN401 - a command or a group of typer's
    from infra.settings import prepare_environment

    prepare_environment()
    found = getattr(importlib.import_module(entry.module), entry.attribute)
    if isinstance(found, typer.Typer):
        application = found
    else:
        application = typer.Typer(add_completion=False)
        application.command(entry.name)(found)
    command = get_command(application)
    command.name = entry.name
    return command


def main() -> None:
    """Entry point of ``wm``: every failure ends with a code, a message and a fix."""
    group = LazyGroup(name="wm", help=HELP, no_args_is_help=True, rich_markup_mode="markdown")
    try:
        group(prog_name="wm")
    except SanaWMError as error:
        fail(error)
    except Exception as error:
        from infra.failures import as_coded_error

        fail(as_coded_error(error, Path(tempfile.gettempdir()) / "sana-wm" / "logs" / "wm.log"))


def fail(error: SanaWMError) -> None:
    """Print a coded error and leave with its exit code."""
    typer.echo(f"error {error}", err=True)
    sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
