"""The page: sections that have something to show, in one self-contained HTML file."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from data_contracts.quality import Rule
from tasks.reporting.camera_section import trajectories
from tasks.reporting.corpus_section import funnel, score_histograms
from tasks.reporting.request import ReportRequest, Section
from tasks.reporting.run_section import lineage, stage_times
from tasks.reporting.training_section import training
from tasks.reporting.world_section import generated_worlds, model_files, results


def write_report(request: ReportRequest, rules: Sequence[Rule], destination: Path) -> Path:
    """Write the report of a run, or of a span of one: what an artifact that is not there would show is left out.

    Args:
        request: artifacts, ids, stages, links and facts.
        rules: the contract's rules, whose limits are drawn into the histograms.
        destination: the HTML file; its directory must exist.

    Returns:
        ``destination``.
    """
    plain = [rule.model_dump(mode="json") for rule in rules]
    candidates: list[Section | None] = [
        funnel(request),
        score_histograms(request, plain),
        trajectories(request),
        training(request),
        generated_worlds(request),
        results(request),
        model_files(request),
        stage_times(request),
        lineage(request),
    ]
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    page = environment.get_template("page.html.j2").render(
        facts=request.facts,
        links=request.links,
        sections=[section for section in candidates if section is not None],
    )
    scratch = destination.with_suffix(".tmp")
    scratch.write_text(page)
    return scratch.replace(destination)
