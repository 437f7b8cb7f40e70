"""What a stage function is given, and the per-clip map with its cache.

A stage is a plain function ``run(context: StageContext) -> StageSummary`` in ``tasks/<group>``. It reads the artifact
directories in ``context.inputs``, fills the empty directories in ``context.outputs`` with deterministic bytes (no time,
no machine, no absolute path) and knows nothing of keys, ids, MLflow or Flyte: ``infra.execution`` does that around it.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from infra.warm import WarmResources
from infra.worker_pool import worker_pool

Json = Any  # JSON-able values; a recursive alias would not survive pickling checks of older type checkers
Item = TypeVar("Item")
Config = TypeVar("Config", bound=BaseModel)


class ProgressSink(Protocol):
    """Where a stage says how far it is."""

    def start(self, label: str, total: int) -> None:
        """Begin a row of ``total`` units."""

    def advance(self, units: int = 1) -> None:
        """Some units are done."""

    def say(self, message: str) -> None:
        """One plain line."""


class SilentProgress:
    """Progress for tests and for stages that run inside a worker."""

    def start(self, label: str, total: int) -> None:
        """Do nothing."""

    def advance(self, units: int = 1) -> None:
        """Do nothing."""

    def say(self, message: str) -> None:
        """Do nothing."""


def digest_json(value: Json) -> str:
    """SHA-256 of a JSON-able value in canonical form."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True)
class StageContext(Generic[Config]):
    """Everything a stage may know.

    Attributes:
        name: the stage's id.
        inputs: artifact name -> directory, read only.
        outputs: artifact name -> existing empty directory to fill.
        config: the stage's validated configuration.
        code_digest: digest of the stage's code, part of every per-clip cache key.
        cache: root of the per-clip cache.
        workers: processes a per-clip map may use; also the thread count of in-process numerics.
        progress: where to report progress.
        warm: resources kept from stage to stage of a run, such as a torchrun group per world size.
        workdir: the working directory, for what is never part of an artifact (keys, registry, logs); most stages
            need none of it.
        shard: do only this part of the per-clip work, for a map over shards on a cluster; None = everything.
    """

    name: str
    inputs: Mapping[str, Path]
    outputs: Mapping[str, Path]
    config: Config
    code_digest: str = ""
    cache: Path | None = None
    workers: int = 1
    progress: ProgressSink = field(default_factory=SilentProgress)
    warm: WarmResources = field(default_factory=WarmResources)
    workdir: Path | None = None
    shard: "Shard | None" = None


@dataclass(frozen=True)
class Shard:
    """Part ``index`` of ``count`` of the per-clip work, split by the content hash of each job's key."""

    index: int
    count: int

    def holds(self, key: str) -> bool:
        """Whether the job with this hexadecimal key belongs to the shard."""
        return int(key[:8], 16) % self.count == self.index


class ShardFinished(Exception):  # noqa: N818 - the expected end of a shard, not an error
    """Raised by ``map_clips`` when its shard is in the cache: the stage has no more to do in this process."""


@dataclass(frozen=True)
class ClipJob(Generic[Item]):
    """One unit of per-clip work. ``key`` holds whatever the result depends on besides the stage's code and config."""

    name: str
    key: Mapping[str, Json]
    item: Item


@dataclass(frozen=True)
class ClipResult:
    """What one job left: its JSON record, and the directory with the files it wrote (read only)."""

    name: str
    record: Json
    directory: Path


Work = Callable[[Item, Path], Json]


def map_clips(
    context: StageContext, jobs: Sequence[ClipJob[Item]], work: Work[Item], config: BaseModel | None = None
) -> list[ClipResult]:
    """Run ``work(item, directory)`` for every job that the cache does not hold, in parallel; results in job order.

    ``work`` must be a module-level function: it runs in a worker process with single-threaded numerics, writes files
    under ``directory`` and returns a JSON-able record. A finished job is committed at once, so that a killed run loses
    nothing it had done. An exception in one job stops the stage; expected failures belong in the record.

    Args:
        context: the stage's.
        jobs: one a clip.
        work: what to do.
        config: the part of the stage's configuration that the work depends on; None = all of it.
    """
    root = context.cache or Path(tempfile.mkdtemp(prefix="clips-"))
    depends = (config or context.config).model_dump(mode="json")
    shared = {"stage": context.name, "code": context.code_digest, "config": depends}
    homes = {job.name: _home(root, context.name, digest_json({**shared, "clip": dict(job.key)})) for job in jobs}
    missing = [job for job in jobs if not (homes[job.name] / "record.json").exists()]
    if context.shard is not None:
        missing = [job for job in missing if context.shard.holds(homes[job.name].name)]
    context.progress.start(context.name, len(jobs))
    context.progress.advance(len(jobs) - len(missing))
    if missing and len(missing) < len(jobs):
        context.progress.say(f"{context.name}: {len(missing)} of {len(jobs)} clips to do, the others are stored")
    if context.workers <= 1 or len(missing) <= 1:
        for job in missing:
            _run_job(work, job.item, homes[job.name])
            context.progress.advance()
    else:
        _run_pool(context, missing, work, homes)
    if context.shard is not None:
        raise ShardFinished(context.name)
    return [ClipResult(job.name, _record(homes[job.name]), homes[job.name] / "files") for job in jobs]


def copy_files(results: Iterable[ClipResult], destination: Path) -> None:
    """Copy what each job wrote into one output directory; names must not collide."""
    destination.mkdir(parents=True, exist_ok=True)
    for result in results:
        shutil.copytree(result.directory, destination, dirs_exist_ok=True)


def _home(root: Path, stage: str, key: str) -> Path:
    return root / stage / key[:2] / key


def _record(home: Path) -> Json:
    return json.loads((home / "record.json").read_text())


def _run_job(work: Work[Item], item: Item, home: Path) -> None:
    """Do one job in a temporary directory and rename it into place: it is there whole or not at all."""
    home.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".tmp-", dir=home.parent))
    try:
        files = scratch / "files"
        files.mkdir()
        record = work(item, files)
        (scratch / "record.json").write_text(json.dumps(record, sort_keys=True, allow_nan=False))
        if home.exists():  # an incomplete leftover of an older layout, or another worker was faster
            shutil.rmtree(scratch)
        else:
            scratch.replace(home)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def _run_pool(context: StageContext, jobs: Sequence[ClipJob[Item]], work: Work[Item], homes: dict[str, Path]) -> None:
    with worker_pool(context.workers, ("numpy", "cv2", "scipy.spatial.transform", "polars")) as pool:
        futures = [pool.submit(_run_job, work, job.item, homes[job.name]) for job in jobs]
        for future in as_completed(futures):
            future.result()
            context.progress.advance()
