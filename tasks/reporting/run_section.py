"""Stage times and lineage."""

from html import escape

from tasks.reporting.figures import ACCENT, BAD, PALE, as_image, new_figure
from tasks.reporting.request import ReportRequest, Section

STATUS_COLOR = {"executed": ACCENT, "cached": PALE, "skipped": PALE, "failed": BAD}


def stage_times(request: ReportRequest) -> Section | None:
    """A bar per stage of this run, colored by how it ended."""
    if not request.stages:
        return None
    names = [stage.name for stage in request.stages]
    seconds = [stage.seconds for stage in request.stages]
    figure = new_figure(9, 0.8 + 0.27 * len(names))
    axes = figure.subplots()
    bars = axes.barh(names, seconds, color=[STATUS_COLOR[stage.status] for stage in request.stages])
    axes.bar_label(bars, [f"{s.seconds:.1f} s {s.status}" for s in request.stages], padding=4, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("seconds")
    axes.margins(x=0.2)
    axes.spines[["top", "right"]].set_visible(False)
    total = f"<p>{len(names)} stages, {sum(seconds):.0f} s in all.</p>"
    told = ", ".join(f"{stage.name} {stage.seconds:.1f} {stage.status}" for stage in request.stages)
    return Section("stages", "Stages", total + as_image(figure, f"Seconds per stage: {told}"))


def lineage(request: ReportRequest) -> Section | None:
    """Every artifact with its id and its parents, newest last: the chain a reviewer follows."""
    if not request.ids:
        return None
    rows = "".join(_artifact_row(name, content_id, request) for name, content_id in request.ids.items())
    note = "<p>The same id is shown by DVC, MLflow and the release manifest; <code>wm lineage ID</code> follows it.</p>"
    head = "<tr><th scope='col'>artifact</th><th scope='col'>content id</th><th scope='col'>made from</th></tr>"
    return Section("lineage", "Lineage", f"{note}<table>{head}{rows}</table>")


def _artifact_row(name: str, content_id: str, request: ReportRequest) -> str:
    parents = (f"<a href='#artifact-{escape(parent)}'>{escape(parent)}</a>" for parent in request.parents.get(name, ()))
    head = f"<tr id='artifact-{escape(name)}'><th scope='row'>{escape(name)}</th>"
    return f"{head}<td><code>{escape(content_id)}</code></td><td>{', '.join(parents)}</td></tr>"
