"""``wm weights``: look into checkpoints."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workflows.cli.options import Json

if TYPE_CHECKING:
    from data_contracts.checkpoint import WeightsReport

app = typer.Typer(help="Look into checkpoints.", no_args_is_help=True)


@app.callback()
def weights() -> None:
    """Look into checkpoints."""


@app.command("inspect")
def inspect_command(
    file: Annotated[Path, typer.Argument(help="A safetensors file; the model.json beside it is read too.")],
    json: Json = False,
) -> None:
    """Say what a weights file is: layout, profile, sizes, types, and how its keys meet the released layout.

    Only the header is read. Exit code 2 if the file is not what it says it is.
    """
    from model.checkpoints.inspect import inspect_weights

    report = inspect_weights(file)
    if json:
        typer.echo(report.model_dump_json())
    else:
        _show(report)


def _show(report: "WeightsReport") -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    keys = report.key_map
    facts = {
        "layout": report.layout,
        "numerics profile": report.numerics or "not stated",
        "size": f"{report.bytes:,} bytes, {report.parameters:,} values",
        "types": ", ".join(f"{dtype} x{count}" for dtype, count in report.dtypes.items()),
        "keys used": str(keys.used),
        "keys known to be unused": _few(keys.known_unused),
        "keys unknown": _few(keys.unknown),
        "keys missing": _few(keys.missing),
    }
    if report.architecture is not None:
        sizes = report.architecture
        facts["architecture"] = (
            f"{sizes.depth} blocks of width {sizes.hidden}, {sizes.heads} heads, {sizes.mixer}, "
            f"softmax at {sizes.softmax_blocks}, camera {'yes' if sizes.camera_branch else 'no'}"
        )
    summary = Table(title=report.path, show_header=False)
    for name, value in facts.items():
        summary.add_row(name, value)
    console.print(summary)
    tensors = Table("tensor", "type", "shape")
    for name, tensor in report.tensors.items():
        tensors.add_row(name, tensor.dtype, " ".join(map(str, tensor.shape)))
    console.print(tensors)


def _few(names: list[str]) -> str:
    if not names:
        return "0"
    return f"{len(names)}: {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}"
