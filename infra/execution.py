"""One stage, around its plain function: key, hit or work, whole publication, provenance.

A stage fills directories under the workdir's scratch. Only when it returned are they digested, stored, moved into
place and recorded; ``latest`` moves last. A run killed at any moment leaves the previous state.
"""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data_contracts.errors import ErrorCode, InputError, OperationError
from data_contracts.provenance import KeyRecord
from data_contracts.report import StageResult, StageStatus
from infra.corpus_input import examine_corpus
from infra.failures import as_coded_error
from infra.job import StageJob, prepare_job
from infra.publication import Production, move_latest, publish, record
from infra.request import RunRequest, StageCall
from infra.session import RunSession, joined_session
from infra.settings import distributed_rank
from infra.stage import Shard, ShardFinished, StageContext
from infra.stage_spec import CORPUS, StageSpec
from infra.workdir import Workdir


def find_hit(session: RunSession, job: StageJob) -> KeyRecord | None:
    """What this key produced before, if all its bytes are still there."""
    record = session.catalog.key_record(job.spec.name, job.key.digest)
    if record is None:
        return None
    stored = all(_is_stored(session, artifact_id) for artifact_id in record.outputs.values())
    return record if stored else None


def _is_stored(session: RunSession, artifact_id: str) -> bool:
    if not session.catalog.manifest_path(artifact_id).exists():
        return False
    return session.store.holds(session.catalog.manifest(artifact_id))


def execute_call(run: RunRequest, call: StageCall, ids: Mapping[str, str]) -> dict[str, str]:
    """The body of every Flyte task: run a stage of ``run`` on these artifact ids; gives the ids of its outputs."""
    with joined_session(run) as session:
        return execute(session, prepare_job(session, StageSpec.from_json(call.spec), json.loads(call.config), ids))


def execute_shard(run: RunRequest, call: StageCall, ids: Mapping[str, str], shard: int) -> int:
    """The body of a mapped Flyte task: one shard of a stage's per-clip work; gives the shard's index."""
    with joined_session(run) as session:
        job = prepare_job(session, StageSpec.from_json(call.spec), json.loads(call.config), ids)
        warm_shard(session, job, Shard(shard, call.shards))
    return shard


def examine(run: RunRequest) -> str:
    """The body of a run's first Flyte task: the id of its corpus.

    Raises:
        InputError: the corpus cannot be read, or holds no file at all: nothing is started for that.
    """
    corpus = examine_corpus(Workdir(Path(run.workdir)), Path(run.corpus))
    if corpus.files == 0:
        raise InputError(ErrorCode.CORPUS_EMPTY, f"corpus {run.corpus} holds no file", "put videos into it")
    return corpus.id


def execute(session: RunSession, job: StageJob) -> dict[str, str]:
    """Serve a stage from what is stored, or run it.

    Raises:
        SanaWMError: whatever went wrong, coded.
    """
    name, began = job.spec.name, time.monotonic()
    if distributed_rank() > 0:
        return _follow(session, job)
    try:
        hit = None if name in session.request.force else find_hit(session, job)
        found = _reuse(session, hit) if hit else _run(session, job)
    except BaseException as error:
        _note(session, name, StageStatus.FAILED, time.monotonic() - began, "")
        if not isinstance(error, Exception):
            raise
        raise as_coded_error(error, session.log) from error
    status = StageStatus.CACHED if hit else StageStatus.EXECUTED
    _note(session, name, status, time.monotonic() - began, found.outputs[job.spec.outputs[0]])
    for listener in session.listeners:
        listener(name, found.outputs)
    check_requirement(session, job.spec, found)
    return dict(found.outputs)


def check_requirement(session: RunSession, spec: StageSpec, record: KeyRecord) -> None:
    """Stop the run when a finished stage did not leave enough for the next ones."""
    need = spec.requirement
    if need is None:
        return
    made = session.catalog.provenance_of(spec.outputs[0], record.outputs[spec.outputs[0]])[-1]
    value = made.metrics.get(need.metric, 0.0)
    if value < need.minimum:
        message = need.message.format(value=f"{value:g}", minimum=f"{need.minimum:g}")
        raise OperationError(need.code, message, need.fix)


def warm_shard(session: RunSession, job: StageJob, shard: Shard) -> None:
    """Do one shard of a stage's per-clip work into the shared clip cache; publishes nothing."""
    scratch = session.workdir.new_scratch(job.spec.name)
    try:
        job.spec.load_function()(_context(session, job, scratch, shard))
    except ShardFinished:
        return
    except Exception as error:
        raise as_coded_error(error, session.log) from error
    finally:
        session.workdir.discard(scratch)


def _follow(session: RunSession, job: StageJob) -> dict[str, str]:
    """Take part as a rank above 0 of a torchrun job: rank 0 publishes and records, and its ids are the task's."""
    hit = None if job.spec.name in session.request.force else find_hit(session, job)
    if hit:
        return dict(hit.outputs)
    scratch = session.workdir.new_scratch(job.spec.name)
    try:
        job.spec.load_function()(_context(session, job, scratch, None))
    except Exception as error:
        raise as_coded_error(error, session.log) from error
    finally:
        session.workdir.discard(scratch)
    return dict.fromkeys(job.spec.outputs, "")


def _reuse(session: RunSession, known: KeyRecord) -> KeyRecord:
    for name, artifact_id in known.outputs.items():
        session.checkouts.ensure(name, session.catalog.manifest(artifact_id))
    move_latest(session, known)
    return known


def _run(session: RunSession, job: StageJob) -> KeyRecord:
    spec = job.spec
    session.progress.say(f"{spec.name}: running")
    scratch = session.workdir.new_scratch(spec.name)
    trace = session.tracker.start_stage(spec.name, {"stage": spec.name, "key": job.key.digest})
    status = "FAILED"
    started, began = datetime.now(UTC), time.monotonic()
    try:
        context = _context(session, job, scratch, None)
        summary = spec.load_function()(context)
        manifests = publish(session, context.outputs)
        seconds = time.monotonic() - began
        made = record(session, job, manifests, Production(summary, started.isoformat(), seconds, trace.run_id))
        move_latest(session, made)
        status = "FINISHED"
        tags = {f"artifact.{name}": artifact_id for name, artifact_id in made.outputs.items()}
        trace.finish(status, tags, {**summary.metrics, "seconds": seconds, "items": summary.items})
        return made
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        session.progress.finish()
        session.workdir.discard(scratch)
        if status != "FINISHED":
            trace.finish(status, {}, {})


def _context(session: RunSession, job: StageJob, scratch: Path, shard: Shard | None) -> StageContext[Any]:
    outputs = {name: scratch / name for name in job.spec.outputs}
    for path in outputs.values():
        path.mkdir()
    forced = job.spec.name in session.request.force
    return StageContext(
        name=job.spec.name,
        inputs={name: _input(session, name, given) for name, given in {**job.key.inputs, **job.reads}.items()},
        outputs=outputs,
        config=job.config,
        code_digest=job.code.digest,
        cache=scratch / ".clips" if forced else session.workdir.clip_cache,
        workers=session.settings.workers,
        progress=session.progress,
        warm=session.warm,
        workdir=session.workdir.root,
        shard=shard,
    )


def _input(session: RunSession, name: str, artifact_id: str) -> Path:
    if name == CORPUS:
        return Path(session.request.corpus)
    return session.checkouts.ensure(name, session.catalog.manifest(artifact_id))


def _note(session: RunSession, name: str, status: StageStatus, seconds: float, artifact: str) -> None:
    result = StageResult(name=name, status=status, seconds=round(seconds, 3), artifact=artifact)
    session.results.append(result)
    session.progress.say(f"{name}: {status.value} in {seconds:.1f} s")
