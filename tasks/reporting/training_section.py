"""Loss curves of every training stage, and what each did to its objective on fixed held-out clips."""

import json
from html import escape
from typing import Any

from tasks.reporting.figures import CALM, as_image, new_figure
from tasks.reporting.request import ReportRequest, Section

Payload = dict[str, Any]  # parsed JSON


def training(request: ReportRequest) -> Section | None:
    """One small curve per stage that left ``metrics.json``, and the held-out table."""
    found = {
        name: json.loads((path / "metrics.json").read_text())
        for name, path in request.artifacts.items()
        if (path / "metrics.json").exists()
    }
    curves = {name: curve for name, payload in found.items() if (curve := _curve(payload))}
    if not curves:
        return None
    columns = 4
    rows = -(-len(curves) // columns)
    figure = new_figure(12, 2.3 * rows)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[len(curves) :]:
        axes.set_visible(False)
    for axes, (name, curve) in zip(grid, curves.items(), strict=False):
        axes.plot(range(1, len(curve) + 1), curve, color=CALM, linewidth=1.2)
        axes.set_title(name, fontsize=9)
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    return Section("training", "Training", as_image(figure, "Loss curves") + _held_out_table(request))


def _curve(payload: Payload) -> list[float]:
    """The per-step losses: a list under ``loss``, or a list of records with a ``loss`` each."""
    losses = payload.get("loss", payload.get("steps", []))
    return [float(entry["loss"] if isinstance(entry, dict) else entry) for entry in losses]


def _held_out_table(request: ReportRequest) -> str:
    rows = []
    for name, path in request.artifacts.items():
        file = path / "held_out.json"
        if file.exists():
            values = json.loads(file.read_text())
            numbers = {key: value for key, value in values.items() if isinstance(value, int | float)}
            cells = " ".join(f"<td>{escape(key)} = {value:.4g}</td>" for key, value in numbers.items())
            rows.append(f"<tr><th scope='row'>{escape(name)}</th>{cells}</tr>")
    if not rows:
        return ""
    return f"<h3>Objective on fixed held-out clips and noise</h3><table class='dense'>{''.join(rows)}</table>"
