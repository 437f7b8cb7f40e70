"""``wm plan``: every key of a run worked out in order, without running it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_contracts.plan import PlanStatus, RunPlan, StagePlan
from data_contracts.provenance import Provenance
from infra.corpus_input import examine_corpus
from infra.execution import find_hit
from infra.job import StageJob, prepare_job
from infra.preview import preview
from infra.request import RunRequest
from infra.session import RunSession, build_session
from infra.stage_spec import CORPUS, Preview, StageSpec
from infra.workdir import Workdir
from workflows.declaration import Declaration, declare
from workflows.graph import outside_artifacts
from workflows.local_run import RunHooks, RunOptions, latest_input
from workflows.pipeline import Pipeline

SECONDS_PER_HOUR = 3600
BYTES_PER_GIB = 2**30
DECLARED = frozenset(Declaration("").values)
"""Fields that change verdicts and measure nothing anew."""


@dataclass(frozen=True)
class _Decision:
    """What the plan knows of one stage; ``outputs`` holds the ids it is sure of."""

    status: PlanStatus
    reasons: list[str]
    outputs: Mapping[str, str]


def plan_run(pipeline: Pipeline, options: RunOptions, hooks: RunHooks) -> RunPlan:
    """Say for every stage of the span whether it would run, and why. Writes nothing in the workdir.

    Raises:
        SanaWMError: the options are wrong, or an input of the span is missing.
    """
    stages = pipeline.graph.span(options.first, options.last)
    for name in options.force:
        pipeline.graph.find(name)
    workdir = Workdir(options.workdir.resolve())
    corpus = options.corpus or workdir.embedded_corpus
    request = RunRequest(options.settings.profile, str(workdir.root), str(corpus), options.name, options.use)
    session = build_session(request, options.settings)
    ready = options.corpus is not None or hooks.corpus_is_ready(session)
    known = _outside(pipeline, session, stages, ready=ready)
    declared = declare(workdir, options.use, options.settings)
    plans = []
    for spec in stages:
        config = pipeline.config(spec, options.settings, declared)
        decision = _decide(pipeline, session, (spec, config), known, forced=spec.name in options.force)
        known |= decision.outputs
        plans.append(_stage_plan(session, spec, decision))
    return _total(session, plans)


def _outside(pipeline: Pipeline, session: RunSession, stages: Sequence[StageSpec], *, ready: bool) -> dict[str, str]:
    """Ids of what the span uses and does not make; an embedded corpus that is not rendered yet has none."""
    found: dict[str, str] = {}
    for artifact in outside_artifacts(stages):
        if artifact != CORPUS:
            found[artifact] = latest_input(pipeline, session, artifact).id
        elif ready:
            found[artifact] = examine_corpus(session.workdir, Path(session.request.corpus), write=False).id
    return found


def _decide(
    pipeline: Pipeline,
    session: RunSession,
    configured: tuple[StageSpec, Mapping[str, object]],
    known: Mapping[str, str],
    *,
    forced: bool,
) -> _Decision:
    spec, config = configured
    remade = [name for name in spec.inputs if name not in known]
    if remade:
        return _Decision(PlanStatus.MISS, [_remade(pipeline, name) for name in remade], {})
    ids = {name: known.get(name, "") for name in (*spec.inputs, *spec.reads)}
    job = prepare_job(session, spec, config, ids)
    hit = find_hit(session, job)
    if hit and not forced:
        return _Decision(PlanStatus.HIT, [], hit.outputs)
    made = _last_made(session, spec)
    reasons = ["forced"] if hit else _reasons(session, job, made)
    if hit:
        return _Decision(PlanStatus.MISS, reasons, hit.outputs)
    sure = _previewable(job, made) and all(ids[name] for name in spec.reads)
    return _Decision(PlanStatus.MISS, reasons, preview(session, job) if sure else {})


def _remade(pipeline: Pipeline, artifact: str) -> str:
    if artifact == CORPUS:
        return "the embedded corpus is to be rendered"
    return f"input {artifact} is made anew by {pipeline.graph.producer(artifact).name}"


def _last_made(session: RunSession, spec: StageSpec) -> Provenance | None:
    pointer = session.catalog.latest(spec.outputs[0])
    if pointer is None:
        return None
    records = session.catalog.provenance_of(spec.outputs[0], pointer.id)
    return next((record for record in reversed(records) if record.key == pointer.key), None)


def _reasons(session: RunSession, job: StageJob, made: Provenance | None) -> list[str]:
    """Which parts of the key differ from the latest production."""
    if made is None:
        return ["never ran in this workdir"]
    changed = []
    if made.code_digest != job.code.digest:
        changed.append("code changed")
    if made.config_digest != job.key.config:
        changed.append(_config_change(job.config.model_dump(mode="json"), made.config))
    if made.resources_digest != job.key.resources:
        changed.append("data contract changed")
    changed += [f"input {name} changed" for name, used in job.key.inputs.items() if made.inputs.get(name) != used]
    return changed or [f"bytes of {job.spec.name} are gone from {session.store.root}"]


def _config_change(now: Mapping[str, object], before: Mapping[str, object]) -> str:
    fields = sorted(_changed_fields(now, before))
    return "configuration changed: " + ", ".join(f"{name} {before.get(name)} -> {now.get(name)}" for name in fields)


def _changed_fields(now: Mapping[str, object], before: Mapping[str, object]) -> set[str]:
    return {name for name in {*now, *before} if now.get(name) != before.get(name)}


def _previewable(job: StageJob, made: Provenance | None) -> bool:
    if job.spec.preview is not Preview.RULES:
        return job.spec.preview is Preview.ALWAYS
    if made is None:
        return False
    same = made.code_digest == job.code.digest and made.inputs == dict(job.key.inputs)
    return same and _changed_fields(job.config.model_dump(mode="json"), made.config) <= DECLARED


def _stage_plan(session: RunSession, spec: StageSpec, decision: _Decision) -> StagePlan:
    made = _last_made(session, spec)
    plan = StagePlan(
        name=spec.name,
        status=decision.status,
        reasons=decision.reasons,
        inputs=list(spec.inputs),
        artifact=decision.outputs.get(spec.outputs[0], ""),
    )
    if made is None or decision.status is PlanStatus.HIT:
        return plan
    size = session.settings.compute[spec.compute]
    prices = session.settings.prices
    gpu_hours = made.seconds / SECONDS_PER_HOUR * size.gpus * size.nodes
    stored = sum(session.catalog.manifest(artifact_id).size for artifact_id in made.siblings.values())
    cost = gpu_hours * prices.gpu_hour + stored / BYTES_PER_GIB * prices.stored_gib_month
    return plan.model_copy(
        update={"items": made.items, "seconds": made.seconds, "gpu_hours": gpu_hours, "bytes": stored, "cost": cost}
    )


def _total(session: RunSession, plans: list[StagePlan]) -> RunPlan:
    misses = [plan for plan in plans if plan.status is PlanStatus.MISS]
    return RunPlan(
        profile=session.settings.profile,
        stages=plans,
        seconds=sum(plan.seconds or 0 for plan in misses),
        gpu_hours=sum(plan.gpu_hours or 0 for plan in misses),
        bytes=sum(plan.bytes or 0 for plan in misses),
        cost=sum(plan.cost or 0 for plan in misses),
        currency=session.settings.prices.currency,
        unknown=[plan.name for plan in misses if plan.seconds is None],
    )
