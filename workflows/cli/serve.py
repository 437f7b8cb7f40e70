"""``wm serve``: the endpoint, on this machine alone unless told otherwise."""

from pathlib import Path
from typing import Annotated

import typer


def serve(
    workdir: Annotated[Path, typer.Option(help="Serve the signed release of this workdir; jobs are kept here.")] = Path(
        "runs/local"
    ),
    bundle: Annotated[
        Path | None, typer.Option(help="Serve this signed directory instead (signature beside it, key in the workdir).")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8080,
    host: Annotated[str, typer.Option(help="Address to listen on; there is no authentication.")] = "127.0.0.1",
    queue: Annotated[int, typer.Option(min=1, help="Videos that may wait or run before new ones are refused.")] = 8,
) -> None:
    """Serve videos: /v1/videos for `openai` clients, KServe's v2 protocol for camera tensors, a page at /."""
    from rich.console import Console

    console = Console(stderr=True)
    console.print(f"verifying and loading; then the page is at http://{host}:{port}/ and Ctrl-C stops it")
    from serving.server import ServeOptions
    from serving.server import serve as run_server

    run_server(ServeOptions(workdir, bundle, host, port, queue))
