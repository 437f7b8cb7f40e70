"""Scores and verdicts as a Markdown table, for the docs."""

from typing import TYPE_CHECKING

import polars as pl

from data_contracts.contract_loader import ContractSet
from data_contracts.report import CorpusStats

if TYPE_CHECKING:
    from tasks.filtering.report import Corpus


def score_table(stats: CorpusStats, corpus: "Corpus", contracts: ContractSet) -> str:
    """One row a clip: its verdict, and every measured score that a rule bounds and that differs between clips.

    Scores outside their range are bold. The last lines name each rule with its range and whose number it is.
    """
    rules = contracts.flat([row.source for row in corpus.rows])
    limits = {(rule.sources[0], rule.metric, rule.scorer): (rule.minimum, rule.maximum) for rule in rules}
    bound = {key[1:] for key in limits}
    columns = [key for key in _measured(corpus.scores) if key in bound]
    sources = {row.path: row.source for row in corpus.rows}
    values = {(row["path"], row["metric"], row["scorer"]): row["value"] for row in corpus.scores.iter_rows(named=True)}
    lines = ["| clip | verdict | " + " | ".join(metric for metric, _ in columns) + " |"]
    lines.append("|---|---|" + "---:|" * len(columns))
    for clip in stats.clips:
        source = sources[clip.path]
        cells = [_cell(values.get((clip.path, *key)), *limits.get((source, *key), (None, None))) for key in columns]
        verdict = f"{clip.status}: {', '.join(clip.reasons)}" if clip.reasons else clip.status
        lines.append(f"| {clip.path} | {verdict} | " + " | ".join(cells) + " |")
    lines.append("")
    for rule in rules:
        if (rule.metric, rule.scorer) in columns:
            limited = f"[{_number(rule.minimum)}, {_number(rule.maximum)}]"
            name = f"{rule.sources[0]}: {rule.id}, {rule.metric} by {rule.scorer}"
            lines.append(f"- {name}, {limited}, {rule.origin}: {rule.reason}")
    return "\n".join(lines)


def _measured(scores: pl.DataFrame) -> list[tuple[str, str]]:
    """Metrics with at least two different values, in alphabetical order."""
    counts = scores.drop_nulls("value").group_by("metric", "scorer").agg(pl.col("value").n_unique())
    return [
        (metric, scorer) for metric, scorer, different in counts.sort("metric", "scorer").iter_rows() if different > 1
    ]


def _cell(value: float | None, minimum: float | None, maximum: float | None) -> str:
    if value is None:
        return "-"
    outside = (minimum is not None and value < minimum) or (maximum is not None and value > maximum)
    return f"**{value:.4g}**" if outside else f"{value:.4g}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"
