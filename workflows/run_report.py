"""The report of a run and the few facts its result names."""

import json
from pathlib import Path

from data_contracts.contract_loader import load_contracts
from data_contracts.quality import Rule
from infra.session import RunSession
from infra.workdir import Workdir
from workflows.corpus_page import corpus_page
from workflows.local_run import RunOutcome

REPORT = "report.html"


def report_page(session: RunSession, outcome: RunOutcome) -> str:
    """Write the report, and the corpus page that it links to, from the latest artifacts; gives the report's path.

    The pages of a run that changed nothing are kept.
    """
    pointers = {pointer.artifact: pointer for pointer in session.catalog.all_latest()}
    if not pointers:
        return ""
    ids = {name: pointer.id for name, pointer in pointers.items()}
    corpus = corpus_page(session, ids)
    page = session.workdir.reports / REPORT
    unchanged = not outcome.executed and outcome.error is None and page.exists()
    if unchanged:
        return str(page)
    from tasks.reporting.page import write_report
    from tasks.reporting.request import ReportRequest

    made = {name: session.catalog.provenance_of(name, pointer.id)[-1] for name, pointer in pointers.items()}
    request = ReportRequest(
        artifacts={name: session.workdir.artifact(name) for name in pointers},
        ids=ids,
        stages=outcome.stages,
        parents={name: sorted({**record.inputs, **record.reads}) for name, record in made.items()},
        links=_links(session.workdir),
        corpus_page=corpus,
        facts=_facts(session),
    )
    page.parent.mkdir(parents=True, exist_ok=True)
    return str(write_report(request, _rules(session.workdir), page))


def sample_video(workdir: Workdir) -> str:
    """The first generated video of the latest evaluation, else empty."""
    videos = sorted((workdir.artifact("evaluate") / "videos").rglob("*_generated.mp4"))
    return str(videos[0]) if videos else ""


def model_version(workdir: Workdir) -> str:
    """``name/version`` of the latest release, else empty."""
    path = workdir.artifact("release") / "model_version.json"
    if not path.exists():
        return ""
    version = json.loads(path.read_text())
    return f"{version['name']}/{version['version']}"


def serving_endpoint(workdir: Workdir) -> str:
    """The command that serves the latest release, else empty: a laptop's endpoint lives as long as its server."""
    return f"wm serve --workdir {workdir.root}" if (workdir.artifact("release") / "bundle").is_dir() else ""


def _rules(workdir: Workdir) -> list[Rule]:
    """The rules that bind the sources of the corpus, one per source and cell."""
    path = workdir.artifact("ingest") / "clips.parquet"
    if not path.exists():
        return []
    import polars

    sources = polars.read_parquet(path, columns=["source"])["source"].unique().sort()
    return load_contracts().flat(list(sources))


def _links(workdir: Workdir) -> dict[str, str]:
    pages = sorted(workdir.data_docs.glob("*/**/index.html"))
    return {"data docs": f"../{pages[0].relative_to(workdir.root)}"} if pages else {}


def _facts(session: RunSession) -> dict[str, str]:
    found = {"model version": model_version(session.workdir), "profile": session.settings.profile}
    return {name: value for name, value in {**found, "corpus": Path(session.request.corpus).name}.items() if value}
