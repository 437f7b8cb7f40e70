"""What became of each clip: the funnel, the reasons, and the scores against their thresholds."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import polars as pl

from tasks.reporting.figures import ACCENT, BAD, CALM, PALE, as_image, file_as_image, new_figure
from tasks.reporting.request import ReportRequest, Section

STATUSES = {"accepted": ACCENT, "rejected": BAD, "quarantined": "#7d5ba6"}
MAX_PICTURES = 24


def funnel(request: ReportRequest) -> Section | None:
    """Clips per source by verdict, and how often each rule was a reason."""
    if "filter_verdicts" not in request.artifacts:
        return None
    verdicts = pl.read_parquet(request.artifacts["filter_verdicts"] / "verdicts.parquet")
    figure = new_figure(11, 3.6)
    by_source, by_reason = figure.subplots(1, 2)
    _stack_by_source(by_source, verdicts)
    reasons = verdicts.explode("reasons").drop_nulls("reasons").group_by("reasons").len().sort("len", "reasons")
    by_reason.barh(reasons["reasons"].to_list(), reasons["len"].to_list(), color=BAD)
    by_reason.set_title("clips per reason (a clip keeps all of its reasons)", fontsize=10)
    for axes in (by_source, by_reason):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
    counts = verdicts.group_by("status").len().sort("status").iter_rows()
    told = ", ".join(f"{number} {status}" for status, number in counts)
    body = f"<p>{verdicts.height} listed: {escape(told)}.{_link(request)}</p>{as_image(figure, _in_words(verdicts))}"
    return Section("corpus", "Corpus", body + _pictures(request, verdicts))


def _link(request: ReportRequest) -> str:
    """To the page of every clip, where it was written."""
    page = escape(request.corpus_page)
    return f" <a href='{page}'>Every clip with its scores, and the near misses</a>" if page else ""


def _in_words(verdicts: pl.DataFrame) -> str:
    """The left half of the figure for those who do not see it."""
    counts = verdicts.group_by("source", "status").len().sort("source", "status").iter_rows()
    return "Clips per source by verdict: " + ", ".join(
        f"{source} {number} {status}" for source, status, number in counts
    )


def _stack_by_source(axes, verdicts: pl.DataFrame) -> None:  # noqa: ANN001 - a matplotlib Axes, imported lazily
    table = verdicts.group_by("source", "status").len()
    sources = sorted(set(verdicts["source"].to_list()))
    left = [0] * len(sources)
    for status, color in STATUSES.items():
        found = dict(table.filter(pl.col("status") == status).select("source", "len").iter_rows())
        widths = [found.get(source, 0) for source in sources]
        axes.barh(sources, widths, left=left, color=color, label=status)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    axes.legend(fontsize=8, frameon=False)
    axes.set_title("clips per source", fontsize=10)


def _pictures(request: ReportRequest, verdicts: pl.DataFrame) -> str:
    """A thumbnail per rejected clip with its reasons."""
    shown = []
    for row in verdicts.filter(pl.col("status") == "rejected").sort("path").iter_rows(named=True):
        picture = _thumbnail(request, row["clip_id"])
        if picture is not None and len(shown) < MAX_PICTURES:
            caption = f"{escape(row['path'])}<br><b>{escape(', '.join(row['reasons']))}</b>"
            shown.append(f"<figure>{file_as_image(picture, row['path'])}<figcaption>{caption}</figcaption></figure>")
    return f"<h3>Rejected</h3><div class='tiles'>{''.join(shown)}</div>" if shown else ""


def _thumbnail(request: ReportRequest, clip_id: str) -> Path | None:
    for artifact in ("screen", "splat"):
        if artifact in request.artifacts and clip_id:
            path = request.artifacts[artifact] / "thumbnails" / f"{clip_id}.jpg"
            if path.exists():
                return path
    return None


def score_histograms(request: ReportRequest, rules: Sequence[dict]) -> Section | None:
    """One histogram per metric that a rule bounds, with the rule's limits drawn; yes-or-no facts have none.

    Args:
        request: the report's inputs.
        rules: the contract's rules as plain dictionaries (``data_contracts.quality.Rule``).
    """
    if "filter_scores" not in request.artifacts:
        return None
    scores = pl.read_parquet(request.artifacts["filter_scores"] / "scores.parquet").drop_nulls("value")
    bounded = {(rule["metric"], rule["scorer"]): [] for rule in rules if _limits(rule)}
    for rule in rules:
        if _limits(rule):
            bounded[rule["metric"], rule["scorer"]] += _limits(rule)
    shown = [key for key in sorted(bounded) if not set(_of(scores, key)["value"].to_list()) <= {0.0, 1.0}]
    if not shown:
        return None
    columns = 4
    figure = new_figure(12, 2.3 * -(-len(shown) // columns))
    grid = figure.subplots(-(-len(shown) // columns), columns, squeeze=False).ravel()
    for axes in grid[len(shown) :]:
        axes.set_visible(False)
    for axes, key in zip(grid, shown, strict=False):
        _histogram(axes, key, _of(scores, key)["value"].to_list(), sorted(set(bounded[key])))
    return Section("scores", "Scores and their thresholds", as_image(figure, "Score histograms with thresholds"))


def _limits(rule: dict) -> list[float]:
    return [limit for limit in (rule.get("minimum"), rule.get("maximum")) if limit is not None]


def _of(scores: pl.DataFrame, key: tuple[str, str]) -> pl.DataFrame:
    return scores.filter((pl.col("metric") == key[0]) & (pl.col("scorer") == key[1]))


def _histogram(axes, key: tuple[str, str], values: list[float], limits: list[float]) -> None:  # noqa: ANN001
    axes.hist(values, bins=24, color=CALM)
    low, high = axes.get_xlim()
    for limit in limits:
        axes.axvline(limit, color=BAD, linewidth=1.2, linestyle="--")
    near = [limit for limit in limits if low - (high - low) <= limit <= high + (high - low)]
    axes.set_xlim(min([low, *near]), max([high, *near]))
    axes.locator_params(nbins=4)  # most of a small plot's time goes into its tick labels
    axes.set_title(f"{key[0]}\n{key[1]}", fontsize=8)
    axes.tick_params(labelsize=7, colors="#555")
    axes.spines[["top", "right"]].set_color(PALE)
