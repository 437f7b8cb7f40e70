"""The layout of a working directory, and the lock that keeps a second writer out of it."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from data_contracts.errors import ErrorCode, OperationError


@dataclass(frozen=True)
class Workdir:
    """Where everything of a workdir lies. A workdir is a DVC project of its own."""

    root: Path

    @property
    def dvc(self) -> Path:
        """DVC's own directory."""
        return self.root / ".dvc"

    @property
    def objects(self) -> Path:
        """The content-addressed store, in the layout of DVC's cache."""
        return self.dvc / "cache" / "files" / "md5"

    @property
    def artifacts(self) -> Path:
        """The latest version of each artifact, checked out."""
        return self.root / "artifacts"

    @property
    def catalog(self) -> Path:
        """Manifests, provenance, stage keys and latest pointers."""
        return self.root / "catalog"

    @property
    def clip_cache(self) -> Path:
        """Per-clip results of the corpus stages."""
        return self.root / "cache" / "clips"

    @property
    def inputs(self) -> Path:
        """Manifests of what came from outside."""
        return self.root / "inputs"

    @property
    def embedded_corpus(self) -> Path:
        """The rendered corpus of a run without one of its own."""
        return self.root / "corpus"

    @property
    def scratch(self) -> Path:
        """Unfinished outputs; emptied at the start of every run."""
        return self.root / "tmp"

    @property
    def logs(self) -> Path:
        """Tracebacks and worker logs, which users are never shown unasked."""
        return self.root / "logs"

    @property
    def data_docs(self) -> Path:
        """Great Expectations pages, one folder per verdict artifact."""
        return self.root / "data_docs"

    @property
    def reports(self) -> Path:
        """Run reports."""
        return self.root / "reports"

    @property
    def tracking_database(self) -> Path:
        """MLflow's SQLite file."""
        return self.root / "mlflow.db"

    @property
    def tracking_files(self) -> Path:
        """MLflow's local artifacts."""
        return self.root / "mlartifacts"

    def artifact(self, name: str) -> Path:
        """The checkout of an artifact's latest version."""
        return self.artifacts / name

    def new_scratch(self, prefix: str) -> Path:
        """A fresh directory for unfinished work, on the workdir's own file system so that a rename publishes it."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=self.scratch))

    def discard(self, directory: Path) -> None:
        """Get rid of a directory that may be in use or partly gone."""
        shutil.rmtree(directory, ignore_errors=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the workdir for writing; leftovers of a killed run are removed first.

        A record lock, because child processes do not inherit it: an orphan of a killed run cannot keep it.

        Raises:
            OperationError: another process holds it.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("a+") as stream:
            try:
                fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise _busy(self.root, stream.name) from error
            stream.truncate(0)
            stream.write(f"{os.getpid()}\n")
            stream.flush()
            self.discard(self.scratch)
            yield


def _busy(root: Path, lock: str) -> OperationError:
    holder = Path(lock).read_text().strip() or "unknown"
    return OperationError(
        ErrorCode.WORKDIR_BUSY,
        f"workdir {root} is in use by process {holder}",
        "wait for it to end, or pass another --workdir",
    )
