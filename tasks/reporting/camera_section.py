"""Camera paths of the accepted clips, from above and in three dimensions."""

from pathlib import Path

import numpy as np
import polars as pl
from safetensors.numpy import load_file

from tasks.reporting.figures import CYCLE, as_image, new_figure
from tasks.reporting.request import ReportRequest, Section

MAX_PATHS = 60


def trajectories(request: ReportRequest) -> Section | None:
    """Metric paths relative to each clip's first camera (x right, z forward, y down), colored by source."""
    if "filter_accepted" not in request.artifacts:
        return None
    accepted = pl.read_parquet(request.artifacts["filter_accepted"] / "accepted.parquet").sort("clip_id")
    paths = [
        (row["source"], centers)
        for row in accepted.head(MAX_PATHS).iter_rows(named=True)
        if (centers := _centers(request, row["clip_id"])) is not None
    ]
    if not paths:
        return None
    colors = {source: CYCLE[index % len(CYCLE)] for index, source in enumerate(sorted({s for s, _ in paths}))}
    figure = new_figure(11, 5)
    above = figure.add_subplot(1, 2, 1)
    space = figure.add_subplot(1, 2, 2, projection="3d")
    labelled: set[str] = set()
    for source, centers in paths:
        label = None if source in labelled else source
        labelled.add(source)
        above.plot(centers[:, 0], centers[:, 2], color=colors[source], linewidth=1, label=label)
        above.plot(centers[-1:, 0], centers[-1:, 2], ".", color=colors[source], markersize=4)
        space.plot(centers[:, 0], centers[:, 2], -centers[:, 1], color=colors[source], linewidth=1)
    above.set(xlabel="right, m", ylabel="forward, m", title="from above", aspect="equal")
    above.grid(alpha=0.2)
    above.legend(fontsize=8, frameon=False)
    space.set(xlabel="right, m", ylabel="forward, m", zlabel="up, m", title="in 3-D")
    return Section("cameras", "Camera paths", as_image(figure, "Camera trajectories"))


def _centers(request: ReportRequest, clip_id: str) -> np.ndarray | None:
    for artifact in ("pose", "splat"):
        if artifact in request.artifacts:
            path: Path = request.artifacts[artifact] / "poses" / f"{clip_id}.safetensors"
            if path.exists():
                return load_file(path)["camera_to_world"][:, :3, 3]
    return None
