"""What the released model makes of the paths it was asked to follow, and how it scored."""

import json
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from tasks.reporting.figures import CALM, as_image, new_figure
from tasks.reporting.request import ReportRequest, Section
from tasks.vision.video import read_video

FRAMES_SHOWN = 6
MAX_VIDEOS = 6


def generated_worlds(request: ReportRequest) -> Section | None:
    """A strip of frames of each generated video beside the path its camera was told to take."""
    if "evaluate" not in request.artifacts:
        return None
    root = request.artifacts["evaluate"]
    videos = sorted((root / "videos").rglob("*_generated.mp4"))[:MAX_VIDEOS]
    if not videos:
        return None
    figure = new_figure(12, 1.5 * len(videos))
    grid = figure.subplots(len(videos), FRAMES_SHOWN + 1, squeeze=False)
    for row, video in zip(grid, videos, strict=True):
        _strip(row, root, video)
    return Section("worlds", "Generated worlds", as_image(figure, "Generated frames beside their camera paths"))


def _strip(row: np.ndarray, root: Path, video: Path) -> None:
    frames = read_video(video).frames
    picks = np.linspace(0, len(frames) - 1, FRAMES_SHOWN).round().astype(int)
    scene = video.name.removesuffix("_generated.mp4")
    for axes, index in zip(row[1:], picks, strict=True):
        axes.imshow(frames[index])
        axes.set_title(f"frame {index}", fontsize=7)
        axes.axis("off")
    path = next(iter(sorted((root / "benchmark").rglob(f"{scene}.npz"))), None)
    row[0].set_title(f"{video.parent.name}/{scene}", fontsize=7)
    if path is None:
        row[0].axis("off")
        return
    with np.load(path, allow_pickle=False) as stored:
        centers = stored["c2w"][:, :3, 3]
    row[0].plot(centers[:, 0], centers[:, 2], color=CALM, linewidth=1)
    row[0].plot(centers[:1, 0], centers[:1, 2], "o", color=CALM, markersize=3)
    row[0].axis("equal")
    row[0].tick_params(labelsize=6)


def results(request: ReportRequest) -> Section | None:
    """The benchmark's numbers as it wrote them, and the metrics that were not run with the reason."""
    if "evaluate" not in request.artifacts:
        return None
    root = request.artifacts["evaluate"]
    found = json.loads((root / "results.json").read_text()) if (root / "results.json").exists() else {}
    missing = json.loads((root / "not_run.json").read_text()) if (root / "not_run.json").exists() else {}
    note = (
        "<p>A tiny model trained for minutes on a CPU: these figures show that the measurement works, with real "
        "rendered clips as the upper bound and shuffled cameras as the control. They say nothing of the paper's model."
        "</p>"
    )
    body = note + as_table(found) + ("<h3>Not run</h3>" + as_table(missing) if missing else "")
    return Section("evaluation", "Evaluation", body)


def model_files(request: ReportRequest) -> Section | None:
    """Error reports of the refiner merge and the quantized checkpoint."""
    parts = []
    for artifact, name in (("refiner_lora", "merge.json"), ("quantize", "report.json")):
        path = request.artifacts.get(artifact, Path()) / name
        if artifact in request.artifacts and path.exists():
            summary = {k: v for k, v in json.loads(path.read_text()).items() if not isinstance(v, list | dict)}
            parts.append(f"<h3>{escape(artifact)}</h3>{as_table(summary)}")
    return Section("files", "Refiner and quantization", "".join(parts)) if parts else None


def as_table(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """JSON as nested tables; numbers to four digits."""
    if isinstance(value, dict):
        rows = "".join(
            f"<tr><th scope='row'>{escape(str(key))}</th><td>{as_table(item)}</td></tr>" for key, item in value.items()
        )
        return f"<table class='dense'>{rows}</table>"
    if isinstance(value, list):
        return "<br>".join(as_table(item) for item in value[:20]) + ("<br>..." if len(value) > 20 else "")
    return f"{value:.4g}" if isinstance(value, float) else escape(str(value))
