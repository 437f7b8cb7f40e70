"""What accompanies a run of the product: the embedded corpus, the data docs, the push, the report."""

import json
from collections.abc import Mapping
from pathlib import Path

from data_contracts.report import RunResult
from infra import dvc_project
from infra.background import BackgroundCall
from infra.files import write_atomic
from infra.session import RunSession
from workflows.local_run import RunHooks, RunOutcome
from workflows.run_report import model_version, report_page, sample_video, serving_endpoint
from workflows.verdict_ledger import record_verdicts

EMBEDDED_SEED = 0
SYNTHESIZER = "tasks.corpus_synth.synthesize"
MARKER = "embedded.json"
DATA_DOCS = "tasks.filtering.expectations:build_data_docs"
DOCS_SECONDS = 60.0


class ProductHooks(RunHooks):
    """Hooks of ``wm run`` and ``wm stage``."""

    def __init__(self) -> None:
        self._docs: tuple[BackgroundCall, Path, Path] | None = None
        self._report, self._video, self._version, self._endpoint = "", "", "", ""

    def corpus_is_ready(self, session: RunSession) -> bool:
        """Whether this code has rendered the embedded corpus before."""
        marker = session.workdir.inputs / MARKER
        if not session.workdir.embedded_corpus.is_dir() or not marker.exists():
            return False
        return json.loads(marker.read_text()) == _wanted(session)

    def make_corpus(self, session: RunSession, destination: Path) -> None:
        """Render the embedded corpus, unless this code has done so before."""
        if self.corpus_is_ready(session):
            return
        from tasks.corpus_synth.synthesize import synthesize

        session.progress.say("corpus: rendering the embedded one")
        session.workdir.discard(destination)
        clips, workers = session.settings.embedded_clips, session.settings.workers
        try:
            synthesize(destination, clips, EMBEDDED_SEED, workers, session.progress)
        finally:
            session.progress.finish()
        write_atomic(session.workdir.inputs / MARKER, json.dumps(_wanted(session)))

    def finished(self, session: RunSession, stage: str, outputs: Mapping[str, str]) -> None:
        """After ``filter``: note what changed, and build the Great Expectations pages beside the next stages."""
        if stage != "filter":
            return
        record_verdicts(session, outputs["filter_verdicts"])
        page_home = session.workdir.data_docs / outputs["filter_verdicts"].removesuffix(".dir")
        if page_home.is_dir():
            return
        building = session.workdir.new_scratch("data-docs") / "pages"
        folders = [session.workdir.artifact(name) for name in ("filter_scores", "filter_verdicts")]
        arguments = [str(path) for path in (*folders, building)]
        call = BackgroundCall(DATA_DOCS, arguments, session.workdir.logs / "data_docs.log")
        self._docs = (call, building, page_home)

    def ended(self, session: RunSession, outcome: RunOutcome) -> None:
        """Collect the data docs, push a new release's artifacts, write the report."""
        self._collect_docs(session, outcome)
        if "release" in outcome.executed:
            session.progress.say("dvc: pushing to the remote")
            dvc_project.push(session.workdir)
        if outcome.interrupted:
            return
        self._report = report_page(session, outcome)
        self._video = sample_video(session.workdir)
        self._version = model_version(session.workdir)
        self._endpoint = serving_endpoint(session.workdir)

    def result(self, outcome: RunOutcome) -> RunResult:
        """What ``wm run --json`` prints."""
        return RunResult(
            stages=outcome.stages,
            report=self._report,
            video=self._video,
            model_version=self._version,
            endpoint=self._endpoint,
        )

    def _collect_docs(self, session: RunSession, outcome: RunOutcome) -> None:
        if self._docs is None:
            return
        call, building, home = self._docs
        if outcome.interrupted:
            call.stop()
        elif call.wait(DOCS_SECONDS):
            home.parent.mkdir(parents=True, exist_ok=True)
            building.rename(home)
        else:
            session.progress.say(f"data docs: not built, see {call.log}")


def _wanted(session: RunSession) -> dict[str, object]:
    """What decides the bytes of the embedded corpus."""
    code = session.code.code(SYNTHESIZER).digest
    return {"clips": session.settings.embedded_clips, "seed": EMBEDDED_SEED, "code": code}
