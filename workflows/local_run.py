"""``wm run`` on one machine: a span of the graph as a Flyte workflow, executed in this process."""

import json
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.errors import ErrorCode, InputError, SanaWMError
from data_contracts.provenance import LatestPointer
from data_contracts.report import StageResult, StageStatus
from infra import dvc_project
from infra.execution import check_requirement
from infra.failures import as_coded_error
from infra.job import identify
from infra.request import RunRequest
from infra.session import RunSession, open_session
from infra.settings import Settings
from infra.stage_spec import CORPUS, StageSpec
from infra.tracking import Tracker
from infra.workdir import Workdir
from workflows.declaration import declare
from workflows.dvc_pipeline import locked_stages, render_pipeline
from workflows.graph import outside_artifacts
from workflows.pipeline import Pipeline

if TYPE_CHECKING:
    from flytekit import Workflow


@dataclass(frozen=True)
class RunOptions:
    """What a user asked for.

    Without ``corpus`` the hooks make one; None is an open end of the span. ``writes_lock`` is off under ``dvc repro``,
    where DVC writes its lock itself.
    """

    settings: Settings
    workdir: Path
    corpus: Path | None = None
    first: str | None = None
    last: str | None = None
    force: Sequence[str] = ()
    use: str = "research"
    name: str = "run"
    writes_lock: bool = True


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended: one result per stage of the span, and the error that stopped it, if one did."""

    stages: list[StageResult]
    error: SanaWMError | None
    interrupted: bool

    @property
    def executed(self) -> list[str]:
        """Stages that really ran."""
        return [result.name for result in self.stages if result.status is StageStatus.EXECUTED]


class RunHooks:
    """What accompanies a run and is no stage. These do nothing; the product's are in ``workflows.companions``."""

    def corpus_is_ready(self, session: RunSession) -> bool:
        """Whether ``make_corpus`` would have nothing to do."""
        return session.workdir.embedded_corpus.is_dir()

    def make_corpus(self, session: RunSession, destination: Path) -> None:
        """Fill ``destination`` with a corpus for a run that was given none."""

    def finished(self, session: RunSession, stage: str, outputs: Mapping[str, str]) -> None:
        """A stage is served or done."""

    def ended(self, session: RunSession, outcome: RunOutcome) -> None:
        """The span is done, or the run stopped; everything published so far is in place."""


def run_span(pipeline: Pipeline, options: RunOptions, hooks: RunHooks, tracker: Tracker | None = None) -> RunOutcome:
    """Run a span of the pipeline; what is finished stays finished, whatever happens to a later stage.

    Without ``tracker``, MLflow records the run.

    Raises:
        SanaWMError: the options are wrong or the workdir is busy: nothing was started.
    """
    stages = pipeline.graph.span(options.first, options.last)
    for name in options.force:
        pipeline.graph.find(name)
    workdir = Workdir(options.workdir.resolve())
    request = _request(options, workdir)
    with workdir.locked(), open_session(request, options.settings, tracker) as session:
        session.listeners.append(lambda stage, outputs: hooks.finished(session, stage, outputs))
        outcome = _guarded(pipeline, stages, session, hooks, options)
        if options.writes_lock:
            write_dvc_files(pipeline, session)
        hooks.ended(session, outcome)
        return outcome


def _request(options: RunOptions, workdir: Workdir) -> RunRequest:
    corpus = options.corpus or workdir.embedded_corpus
    return RunRequest(
        profile=options.settings.profile,
        workdir=str(workdir.root),
        corpus=str(corpus.resolve()),
        name=options.name,
        use=options.use,
        force=list(options.force),
    )


def _guarded(
    pipeline: Pipeline, stages: Sequence[StageSpec], session: RunSession, hooks: RunHooks, options: RunOptions
) -> RunOutcome:
    """Run, and turn whatever stops the run into part of its outcome."""
    error, interrupted = None, False
    try:
        if CORPUS in outside_artifacts(stages) and options.corpus is None:
            hooks.make_corpus(session, session.workdir.embedded_corpus)
        _execute(pipeline, stages, session)
    except KeyboardInterrupt:
        session.status, interrupted = "KILLED", True
    except Exception as failure:
        session.status, error = "FAILED", as_coded_error(failure, session.log)
    done = {result.name: result for result in session.results}
    results = [done.get(spec.name, _skipped(spec.name)) for spec in stages]
    return RunOutcome(results, error, interrupted)


def _execute(pipeline: Pipeline, stages: Sequence[StageSpec], session: RunSession) -> None:
    declared = declare(session.workdir, session.request.use, session.settings)
    calls = pipeline.calls(stages, session.settings, declared)
    params = {spec.name: identify(session, spec, json.loads(calls[spec.name].config)).digests for spec in stages}
    outside = [artifact for artifact in outside_artifacts(stages) if artifact != CORPUS]
    ids = {artifact: outside_id(pipeline, session, artifact) for artifact in outside}
    dvc_project.ensure_project(session.workdir, render_pipeline(pipeline.graph), session.settings.remote)
    dvc_project.write_params(session.workdir, params)
    build_workflow = _import_flyte()
    workflow = build_workflow(f"sana_wm.{stages[0].name}_to_{stages[-1].name}", stages, calls)
    workflow(run=session.request, **ids)


def _import_flyte() -> "Callable[..., Workflow]":
    """Import flytekit, and give Ctrl-C back: at import it makes SIGINT end the process with code 1."""
    handler = signal.getsignal(signal.SIGINT)
    from workflows.flyte_graph import build_workflow

    signal.signal(signal.SIGINT, handler)
    return build_workflow


def outside_id(pipeline: Pipeline, session: RunSession, artifact: str) -> str:
    """The id of the latest finished version of an artifact that the span uses and does not make.

    Raises:
        InputError: there is none yet.
        OperationError: what was made is not enough to go on.
    """
    pointer = latest_input(pipeline, session, artifact)
    spec = pipeline.graph.producer(artifact)
    record = session.catalog.key_record(pointer.stage, pointer.key)
    if record is not None:
        check_requirement(session, spec, record)
    return pointer.id


def latest_input(pipeline: Pipeline, session: RunSession, artifact: str) -> LatestPointer:
    """The latest finished version of an artifact.

    Raises:
        InputError: there is none yet.
    """
    pointer = session.catalog.latest(artifact)
    if pointer is None:
        maker = pipeline.graph.producer(artifact).name
        raise InputError(
            ErrorCode.INPUT_MISSING,
            f"artifact {artifact} is not in {session.workdir.root}: stage {maker} has not finished there",
            f"run `wm run --until {maker}` first, or start with --from {maker}",
        )
    return pointer


def write_dvc_files(pipeline: Pipeline, session: RunSession) -> None:
    """Bring ``dvc.lock`` up to the latest finished versions."""
    stages = locked_stages(pipeline.graph, session.workdir, session.catalog)
    if stages:
        dvc_project.write_lock(session.workdir, stages)


def _skipped(name: str) -> StageResult:
    return StageResult(name=name, status=StageStatus.SKIPPED, seconds=0.0, artifact="")
