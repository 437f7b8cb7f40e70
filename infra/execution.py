"""One stage, around its plain function: key, hit or work, whole publication, provenance.

A stage fills directories under the workdir's scratch. Only when it returned are they digested, stored, moved into
place and recorded; ``latest`` moves last. A run killed at any moment leaves the previous state.
"""

import json
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from data_contracts.errors import ErrorCode, InputError, OperationError
from data_contracts.provenance import KeyRecord, LatestPointer, Manifest, Provenance
from data_contracts.report import StageResult, StageStatus, StageSummary
from infra.failures import as_coded_error
from infra.keys import Code, StageKey
from infra.request import RunRequest, StageCall
from infra.session import RunSession, git_commit, joined_session
from infra.settings import distributed_rank
from infra.stage import Shard, ShardFinished, StageContext, digest_json
from infra.stage_spec import CORPUS, StageSpec
from infra.store import scan
from infra.tracking import StageTrace


@dataclass(frozen=True)
class StageJob:
    """A stage with everything its key needs, ready to be looked up or run."""

    spec: StageSpec
    config: BaseModel
    code: Code
    key: StageKey
    reads: Mapping[str, str]


@dataclass(frozen=True)
class StageIdentity:
    """What a stage is, before its inputs are known: part of its key, and what DVC is told of it."""

    config: BaseModel
    code: Code
    config_digest: str
    resources_digest: str

    @property
    def digests(self) -> dict[str, str]:
        """Name -> digest."""
        return {"code": self.code.digest, "config": self.config_digest, "resources": self.resources_digest}


def identify(session: RunSession, spec: StageSpec, config: Mapping[str, object]) -> StageIdentity:
    """Validate the configuration, read the code.

    Raises:
        InputError: the configuration does not fit the stage.
    """
    validated = validate_config(spec, config)
    return StageIdentity(
        config=validated,
        code=session.code.code(spec.module),
        config_digest=digest_json(validated.model_dump(mode="json")),
        resources_digest=session.code.resources(spec.resources),
    )


def prepare_job(session: RunSession, spec: StageSpec, config: Mapping[str, object], ids: Mapping[str, str]) -> StageJob:
    """Make the key of a stage on these inputs."""
    identity = identify(session, spec, config)
    inputs = {name: ids[name] for name in spec.inputs}
    key = StageKey(spec.name, identity.code.digest, identity.config_digest, identity.resources_digest, inputs)
    return StageJob(spec, identity.config, identity.code, key, {name: ids[name] for name in spec.reads})


def validate_config(spec: StageSpec, config: Mapping[str, object]) -> BaseModel:
    """The stage's configuration, typed; an unknown, missing or wrong key is named."""
    try:
        return spec.load_config().model_validate(config)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "(whole)"
        message = f"recipe of stage {spec.name}: {field} is {first.get('input')!r}: {first['msg']}"
        fix = f"correct {field} in workflows/recipes"
        raise InputError(ErrorCode.CONFIG_INVALID, message, fix) from error


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


def execute(session: RunSession, job: StageJob) -> dict[str, str]:
    """Serve a stage from what is stored, or run it.

    Raises:
        SanaWMError: whatever went wrong, coded.
    """
    name, began = job.spec.name, time.monotonic()
    try:
        hit = None if name in session.request.force else find_hit(session, job)
        record = _reuse(session, hit) if hit else _run(session, job)
    except Exception as error:
        _note(session, name, StageStatus.FAILED, time.monotonic() - began, "")
        raise as_coded_error(error, session.log) from error
    status = StageStatus.CACHED if hit else StageStatus.EXECUTED
    _note(session, name, status, time.monotonic() - began, record.outputs[job.spec.outputs[0]])
    for listener in session.listeners:
        listener(name, record.outputs)
    check_requirement(session, job.spec, record)
    return dict(record.outputs)


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


def _reuse(session: RunSession, record: KeyRecord) -> KeyRecord:
    for name, artifact_id in record.outputs.items():
        session.checkouts.ensure(name, session.catalog.manifest(artifact_id))
    _move_latest(session, record)
    return record


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
        manifests = _publish(session, context)
        seconds = time.monotonic() - began
        record = _record(session, job, manifests, _Outcome(summary, started.isoformat(), seconds, trace))
        _move_latest(session, record)
        status = "FINISHED"
        tags = {f"artifact.{name}": artifact_id for name, artifact_id in record.outputs.items()}
        trace.finish(status, tags, {**summary.metrics, "seconds": seconds, "items": summary.items})
        return record
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


def _publish(session: RunSession, context: StageContext[Any]) -> dict[str, Manifest]:
    """Store every output and move it into place. Ranks above 0 of a torchrun group made the same bytes: no writes."""
    manifests = {name: scan(path) for name, path in context.outputs.items()}
    if distributed_rank() > 0:
        return manifests
    for name, manifest in manifests.items():
        session.store.add(context.outputs[name], manifest)
        session.catalog.add_manifest(manifest)
        session.checkouts.install(name, manifest, context.outputs[name])
    return manifests


@dataclass(frozen=True)
class _Outcome:
    summary: StageSummary
    started_at: str
    seconds: float
    trace: StageTrace


def _record(session: RunSession, job: StageJob, manifests: Mapping[str, Manifest], outcome: _Outcome) -> KeyRecord:
    outputs = {name: manifest.id for name, manifest in manifests.items()}
    files = {
        name: session.catalog.add_provenance(_provenance(session, job, name, outputs, outcome)) for name in outputs
    }
    record = KeyRecord(stage=job.spec.name, key=job.key.digest, outputs=outputs, provenance=files)
    session.catalog.record_key(record)
    return record


def _provenance(
    session: RunSession, job: StageJob, name: str, outputs: Mapping[str, str], outcome: _Outcome
) -> Provenance:
    return Provenance(
        artifact=name,
        id=outputs[name],
        stage=job.spec.name,
        key=job.key.digest,
        inputs=dict(job.key.inputs),
        reads=dict(job.reads),
        siblings=dict(outputs),
        code_digest=job.code.digest,
        config_digest=job.key.config,
        resources_digest=job.key.resources,
        config=job.config.model_dump(mode="json"),
        packages=dict(job.code.packages),
        environment=_environment(session),
        flyte_execution=session.request.name,
        mlflow_run=outcome.trace.run_id,
        git_commit=git_commit(),
        started_at=outcome.started_at,
        seconds=outcome.seconds,
        items=outcome.summary.items,
        note=outcome.summary.note,
        metrics=dict(outcome.summary.metrics),
    )


def _environment(session: RunSession) -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "workers": str(session.settings.workers),
        "profile": session.settings.profile,
    }


def _move_latest(session: RunSession, record: KeyRecord) -> None:
    for name, artifact_id in record.outputs.items():
        session.catalog.move_latest(LatestPointer(artifact=name, id=artifact_id, stage=record.stage, key=record.key))


def _note(session: RunSession, name: str, status: StageStatus, seconds: float, artifact: str) -> None:
    result = StageResult(name=name, status=status, seconds=round(seconds, 3), artifact=artifact)
    session.results.append(result)
    session.progress.say(f"{name}: {status.value} in {seconds:.1f} s")
