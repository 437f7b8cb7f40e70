"""What a stage would produce, worked out from what is stored and thrown away: nothing in the workdir changes."""

import tempfile
from pathlib import Path
from typing import Any

from infra.job import StageJob
from infra.session import RunSession
from infra.stage import SilentProgress, StageContext
from infra.store import scan


def preview(session: RunSession, job: StageJob) -> dict[str, str]:
    """The ids of a stage's outputs, found by running it outside the workdir on stored inputs.

    Only for stages that are cheap once their per-clip results are cached; their results are discarded.
    """
    with tempfile.TemporaryDirectory(prefix="plan-") as home:
        context = _context(session, job, Path(home))
        job.spec.load_function()(context)
        return {name: scan(path).id for name, path in context.outputs.items()}


def _context(session: RunSession, job: StageJob, home: Path) -> StageContext[Any]:
    outputs = {name: home / "outputs" / name for name in job.spec.outputs}
    for path in outputs.values():
        path.mkdir(parents=True)
    ids = {**job.key.inputs, **job.reads}
    return StageContext(
        name=job.spec.name,
        inputs={name: _input(session, name, artifact_id, home / "inputs") for name, artifact_id in ids.items()},
        outputs=outputs,
        config=job.config,
        code_digest=job.code.digest,
        cache=session.workdir.clip_cache,
        workers=session.settings.workers,
        progress=SilentProgress(),
    )


def _input(session: RunSession, name: str, artifact_id: str, home: Path) -> Path:
    """The checkout where it is this version, else a copy outside the workdir."""
    manifest = session.catalog.manifest(artifact_id)
    if session.checkouts.untouched(name, manifest):
        return session.workdir.artifact(name)
    session.store.checkout(manifest, home / name)
    return home / name
