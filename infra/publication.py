"""Finished outputs become artifacts: stored, moved into place, recorded; ``latest`` moves last."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from data_contracts.provenance import KeyRecord, LatestPointer, Manifest, Provenance
from data_contracts.report import StageSummary
from infra.catalog import manifest_digest
from infra.job import StageJob
from infra.session import RunSession, git_commit
from infra.store import scan


@dataclass(frozen=True)
class Production:
    """How a stage's outputs came about, beyond its key."""

    summary: StageSummary
    started_at: str
    seconds: float
    mlflow_run: str


def publish(session: RunSession, outputs: Mapping[str, Path]) -> dict[str, Manifest]:
    """Store every output and move it into place."""
    manifests = {name: scan(path) for name, path in outputs.items()}
    for name, manifest in manifests.items():
        session.store.add(outputs[name], manifest)
        session.catalog.add_manifest(manifest)
        session.checkouts.install(name, manifest, outputs[name])
    return manifests


def record(session: RunSession, job: StageJob, manifests: Mapping[str, Manifest], made: Production) -> KeyRecord:
    """Append the provenance of every output and say what the key produced."""
    outputs = {name: manifest.id for name, manifest in manifests.items()}
    files = {
        name: session.catalog.add_provenance(_provenance(session, job, manifests, name, made)) for name in manifests
    }
    found = KeyRecord(stage=job.spec.name, key=job.key.digest, outputs=outputs, provenance=files)
    session.catalog.record_key(found)
    return found


def move_latest(session: RunSession, found: KeyRecord) -> None:
    """Make a key's outputs the latest versions."""
    for name, artifact_id in found.outputs.items():
        session.catalog.move_latest(LatestPointer(artifact=name, id=artifact_id, stage=found.stage, key=found.key))


def _provenance(
    session: RunSession, job: StageJob, manifests: Mapping[str, Manifest], name: str, made: Production
) -> Provenance:
    return Provenance(
        artifact=name,
        id=manifests[name].id,
        manifest_digest=manifest_digest(manifests[name]),
        stage=job.spec.name,
        key=job.key.digest,
        inputs=dict(job.key.inputs),
        reads=dict(job.reads),
        siblings={name: manifest.id for name, manifest in manifests.items()},
        code_digest=job.code.digest,
        config_digest=job.key.config,
        resources_digest=job.key.resources,
        config=job.config.model_dump(mode="json"),
        packages=dict(job.code.packages),
        environment=_environment(session),
        flyte_execution=session.request.name,
        mlflow_run=made.mlflow_run,
        git_commit=git_commit(),
        started_at=made.started_at,
        seconds=made.seconds,
        items=made.summary.items,
        note=made.summary.note,
        metrics=dict(made.summary.metrics),
    )


def _environment(session: RunSession) -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "workers": str(session.settings.workers),
        "profile": session.settings.profile,
    }
