"""``wm kernels``: check and time the project's kernels on this machine."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Check and time the kernels on this machine.", no_args_is_help=True)


@app.command("check")
def check(
    draws: Annotated[int | None, typer.Option(help="Adversarial inputs; 0 leaves them out.", min=0)] = None,
    sizes: Annotated[int | None, typer.Option(help="Only the first sizes.", min=1)] = None,
) -> None:
    """Compare every kernel with its reference. Without a GPU set TRITON_INTERPRET=1. Exits 1 if one differs."""
    from kernels.check import main

    arguments = [] if draws is None else ["--draws", str(draws)]
    arguments += [] if sizes is None else ["--sizes", str(sizes)]
    raise typer.Exit(main(arguments))


@app.command("bench")
def bench(
    out: Annotated[Path, typer.Option(help="Directory for kernels.json.")],
    repeats: Annotated[int, typer.Option(help="Alternating rounds.", min=1)] = 3,
) -> None:
    """Time the kernels beside the PyTorch peers, where those can be imported. Needs a GPU."""
    from kernels.bench import main

    raise typer.Exit(main(["--out", str(out), "--repeats", str(repeats)]))
