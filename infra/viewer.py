"""Two loopback servers for a reviewer: MLflow on a workdir's database, and the workdir's pages as files."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from data_contracts.errors import ErrorCode, InputError, OperationError
from infra.workdir import Workdir

LOOPBACK = "127.0.0.1"


SHOWN = ("reports", "data_docs")
"""Folders of a workdir that hold pages; everything else, the signing key included, is not served."""


class PageFiles(SimpleHTTPRequestHandler):
    """Serves the folders of pages and keeps no access log."""

    def send_head(self):  # noqa: ANN201 - the base class's own union of file types
        """Answer 404 for whatever is not under a folder of pages."""
        served = Path(self.translate_path(self.path)).resolve()
        root = Path(self.directory).resolve()
        if not any(served.is_relative_to(root / folder) for folder in SHOWN):
            self.send_error(404)
            return None
        return super().send_head()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Do nothing."""


@contextmanager
def page_server(root: Path, port: int) -> Iterator[str]:
    """Serve a workdir's pages read only on loopback; gives its URL.

    Raises:
        OperationError: the port is in use.
    """
    try:
        server = ThreadingHTTPServer((LOOPBACK, port), partial(PageFiles, directory=str(root)))
    except OSError as error:
        raise OperationError(ErrorCode.PORT_BUSY, f"port is {port}: {error.strerror}", "pass another --port") from error
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{LOOPBACK}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def mlflow_server(workdir: Workdir, port: int) -> "subprocess.Popen[bytes]":
    """Start MLflow's own server on the workdir's SQLite file.

    Raises:
        InputError: the workdir holds no runs.
    """
    if not workdir.tracking_database.exists():
        raise InputError(
            ErrorCode.INPUT_MISSING, f"workdir {workdir.root} holds no runs", "run `wm run` first, or pass --workdir"
        )
    command = [sys.executable, "-m", "mlflow", "server", "--host", LOOPBACK, "--port", str(port), "--workers", "1"]
    stores = ["--backend-store-uri", f"sqlite:///{workdir.tracking_database.resolve()}"]
    files = ["--default-artifact-root", workdir.tracking_files.resolve().as_uri()]
    workdir.logs.mkdir(parents=True, exist_ok=True)
    with (workdir.logs / "mlflow_server.log").open("wb") as log:
        return subprocess.Popen([*command, *stores, *files], stdout=log, stderr=log)
