"""MLflow tracking: a parent run per ``wm run``, a child per executed stage; few keys, never per-clip data.

MLflow takes seconds to import and to open its database the first time, so everything happens in order on one thread
beside the work; whoever needs a run id waits for it.
"""

import logging
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARENT_TAG = "mlflow.parentRunId"
NAME_TAG = "mlflow.runName"


@dataclass(frozen=True)
class TrackingTarget:
    """Where runs are recorded.

    Attributes:
        uri: tracking server or database.
        experiment: its experiment.
        artifacts: local artifact root of a new experiment; None leaves it to the server.
    """

    uri: str
    experiment: str
    artifacts: Path | None


class StageTrace(Protocol):
    """One stage's record while it runs."""

    @property
    def run_id(self) -> str:
        """The tracker's id of it."""
        ...

    def finish(self, status: str, tags: Mapping[str, str], metrics: Mapping[str, float]) -> None:
        """Log tags and metrics and end it as ``FINISHED``, ``FAILED`` or ``KILLED``."""


class Tracker(Protocol):
    """Where a run and its stages are recorded."""

    def start_stage(self, stage: str, tags: Mapping[str, str]) -> StageTrace:
        """Begin a stage; returns at once."""
        ...

    def close(self, status: str) -> str:
        """End the run, wait until everything is recorded; gives the run's id, empty when nothing ran."""
        ...


class MlflowTrace:
    """One child run."""

    def __init__(self, pool: ThreadPoolExecutor, client: "Future[MlflowClient]", run: Future[str]) -> None:
        self._pool = pool
        self._client = client
        self._run = run

    @property
    def run_id(self) -> str:
        """MLflow's id of this run; waits until it is known."""
        return self._run.result()

    def finish(self, status: str, tags: Mapping[str, str], metrics: Mapping[str, float]) -> None:
        """Log tags and metrics and end the run as ``FINISHED``, ``FAILED`` or ``KILLED``."""
        self._pool.submit(self._finish, status, dict(tags), dict(metrics))

    def _finish(self, status: str, tags: dict[str, str], metrics: dict[str, float]) -> None:
        client = self._client.result()
        _log(client, self.run_id, tags, metrics)
        client.set_terminated(self.run_id, status=status)


class MlflowTracker:
    """The parent run, opened with its first stage."""

    def __init__(self, target: TrackingTarget, name: str, tags: Mapping[str, str]) -> None:
        self._target = target
        self._tags = {**tags, NAME_TAG: name}
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="tracking")
        self._client: Future[MlflowClient] | None = None
        self._parent: Future[str] | None = None

    def start_stage(self, stage: str, tags: Mapping[str, str]) -> MlflowTrace:
        """Open a child run; returns at once."""
        if self._client is None:
            self._client = self._pool.submit(_open_client, self._target)
            self._parent = self._pool.submit(self._create, self._tags)
        run = self._pool.submit(self._create_child, {**tags, NAME_TAG: stage})
        return MlflowTrace(self._pool, self._client, run)

    def close(self, status: str) -> str:
        """End the parent run and wait until everything is recorded; gives its id, empty when nothing ran."""
        try:
            return self._pool.submit(self._end, status).result()
        finally:
            self._pool.shutdown()

    def _end(self, status: str) -> str:
        if self._client is None or self._parent is None:
            return ""
        self._client.result().set_terminated(self._parent.result(), status=status)
        return self._parent.result()

    def _create(self, tags: Mapping[str, str]) -> str:
        client = self._client.result()  # pyright: ignore[reportOptionalMemberAccess]
        found = client.get_experiment_by_name(self._target.experiment)
        run = client.create_run(found.experiment_id, tags=dict(tags))  # pyright: ignore[reportOptionalMemberAccess]
        return run.info.run_id

    def _create_child(self, tags: Mapping[str, str]) -> str:
        return self._create({**tags, PARENT_TAG: self._parent.result()})  # pyright: ignore[reportOptionalMemberAccess]


def _open_client(target: TrackingTarget) -> "MlflowClient":
    """Import MLflow and make sure the experiment exists."""
    from mlflow import MlflowClient

    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    client = MlflowClient(target.uri)
    if client.get_experiment_by_name(target.experiment) is None:
        location = str(target.artifacts) if target.artifacts else None
        client.create_experiment(target.experiment, artifact_location=location)
    return client


def _log(client: "MlflowClient", run_id: str, tags: Mapping[str, str], metrics: Mapping[str, float]) -> None:
    import time

    from mlflow.entities import Metric, RunTag

    now = int(time.time() * 1000)
    client.log_batch(
        run_id,
        metrics=[Metric(key, value, now, 0) for key, value in sorted(metrics.items())],
        tags=[RunTag(key, value) for key, value in sorted(tags.items())],
    )
