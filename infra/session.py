"""The live side of a run: what the stages of one process share, and how a Flyte task body finds it.

Flyte hands a task plain values only, so the process that starts a local run opens its session in a context variable;
a task that finds none (a pod, a stage by itself) opens its own from the request.
"""

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from data_contracts.report import StageResult
from infra.catalog import Catalog
from infra.checkout import Checkouts
from infra.keys import CodeIndex
from infra.progress import RunProgress, open_progress
from infra.request import RunRequest
from infra.settings import Settings, load_settings
from infra.store import Store
from infra.tracking import MlflowTracker, Tracker, TrackingTarget
from infra.warm import WarmResources
from infra.workdir import Workdir

ROOT = Path(__file__).parent.parent
PACKAGES = ("data_contracts", "infra", "kernels", "model", "serving", "tasks", "workflows")


@dataclass
class RunSession:
    """Everything live in a run.

    ``results`` grows by one entry per finished stage; ``listeners`` are then called with its name and output ids.
    ``status`` is what tracking is told at the end.
    """

    request: RunRequest
    settings: Settings
    workdir: Workdir
    store: Store
    checkouts: Checkouts
    catalog: Catalog
    code: CodeIndex
    tracker: Tracker
    progress: RunProgress
    warm: WarmResources
    results: list[StageResult] = field(default_factory=list)
    listeners: list[Callable[[str, Mapping[str, str]], None]] = field(default_factory=list)
    status: str = "FINISHED"
    began: float = field(default_factory=time.monotonic)

    @property
    def log(self) -> Path:
        """Where tracebacks of this run go."""
        return self.workdir.logs / f"{self.request.name or 'stage'}.log"


_ACTIVE: ContextVar[RunSession | None] = ContextVar("run_session", default=None)


def build_session(request: RunRequest, settings: Settings, tracker: Tracker | None = None) -> RunSession:
    """Stores and clients of a run, tracked by MLflow unless told otherwise; nothing is written yet."""
    workdir = Workdir(Path(request.workdir).resolve())
    store = Store(workdir.objects)
    return RunSession(
        request=request,
        settings=settings,
        workdir=workdir,
        store=store,
        checkouts=Checkouts(workdir, store),
        catalog=Catalog(workdir.catalog),
        code=CodeIndex(ROOT, PACKAGES),
        tracker=tracker or MlflowTracker(tracking_target(settings, workdir), request.name, _run_tags(request)),
        progress=open_progress(),
        warm=WarmResources(),
    )


def tracking_target(settings: Settings, workdir: Workdir) -> TrackingTarget:
    """Where MLflow records: the profile's server, or SQLite in the workdir."""
    if settings.tracking_uri:
        return TrackingTarget(settings.tracking_uri, settings.tracking_experiment, None)
    uri = f"sqlite:///{workdir.tracking_database}"
    return TrackingTarget(uri, settings.tracking_experiment, workdir.tracking_files)


@contextmanager
def open_session(request: RunRequest, settings: Settings, tracker: Tracker | None = None) -> Iterator[RunSession]:
    """A session that task bodies in this context find; ends the tracking run and closes what was kept warm."""
    session = build_session(request, settings, tracker)
    token = _ACTIVE.set(session)
    try:
        yield session
    except BaseException as error:
        session.status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
        raise
    finally:
        _ACTIVE.reset(token)
        session.progress.finish()
        session.warm.close()
        session.tracker.close(session.status)


@contextmanager
def joined_session(request: RunRequest) -> Iterator[RunSession]:
    """The session of this context, or a new one for a task that runs by itself."""
    active = _ACTIVE.get()
    if active is not None and active.request == request:
        yield active
    else:
        with open_session(request, load_settings(request.profile)) as session:
            yield session


def git_commit(root: Path = ROOT) -> str:
    """The commit the code stands at, empty outside a git repository."""
    command = ["git", "-C", str(root), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _run_tags(request: RunRequest) -> dict[str, str]:
    return {"profile": request.profile, "use": request.use}
