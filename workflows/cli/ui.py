"""``wm ui``: MLflow, the report and the data docs in the browser."""

from pathlib import Path
from typing import Annotated

import typer

from workflows.cli.options import WorkdirOption

MlflowPort = Annotated[int, typer.Option("--mlflow-port", min=1, max=65535, help="Port of MLflow.")]
PagesPort = Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the report and the data docs.")]


def ui(workdir: WorkdirOption = None, mlflow_port: MlflowPort = 5000, port: PagesPort = 5001) -> None:
    """Serve what a workdir holds on loopback until Ctrl-C: MLflow, the run report, the data docs."""
    from infra.settings import load_settings
    from infra.viewer import LOOPBACK, mlflow_server, page_server
    from infra.workdir import Workdir

    home = Workdir((workdir or Path(load_settings().workdir)).resolve())
    tracker = mlflow_server(home, mlflow_port)
    try:
        with page_server(home.root, port) as pages:
            typer.echo(f"MLflow     http://{LOOPBACK}:{mlflow_port}  (ready in a few seconds)")
            for page in [*sorted(home.reports.rglob("*.html")), *sorted(home.data_docs.glob("*/**/index.html"))]:
                typer.echo(f"{page.parent.name:10} {pages}/{page.relative_to(home.root)}")
            typer.echo("Ctrl-C ends both")
            tracker.wait()
    except KeyboardInterrupt:
        typer.echo("ended")
    finally:
        tracker.terminate()
        tracker.wait()
