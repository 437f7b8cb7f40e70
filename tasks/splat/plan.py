"""The per-scene work of ``splat``: metric scale, candidate paths, coverage tests, and which paths to render."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from safetensors.numpy import load_file, save_file

from data_contracts.errors import InputError
from data_contracts.splat import TrajectoryFate, TrajectoryRow
from model.geometry.se3 import path_length
from tasks.splat.config import SplatConfig
from tasks.splat.coverage import coverage, subsample
from tasks.splat.scene import MetricScene, load_metric_scene
from tasks.splat.statistics import scene_statistics
from tasks.splat.trajectories import Candidate, candidates
from tasks.vision.images import CoverCrop
from tasks.vision.threads import single_torch_thread

_PATHS = "paths.safetensors"


@dataclass(frozen=True)
class SceneItem:
    """One Gaussian scene of the ``ingest`` artifact."""

    scene_path: str
    media_digest: str
    ply: Path
    views: Path
    config: SplatConfig

    @property
    def seed(self) -> int:
        """From the scene's bytes and the recipe's seed: other scenes draw other paths."""
        return (int(self.media_digest[:12], 16) + self.config.seed) % 2**63


def plan_scene(item: SceneItem, directory: Path) -> list[dict[str, Any]]:  # fields of TrajectoryRow
    """Test every candidate; write the chosen paths. A scene that cannot be used is one row that says why."""
    try:
        with single_torch_thread():
            scene = load_metric_scene(item.ply, item.views)
    except InputError as error:
        return [_scene_row(item, TrajectoryFate.SCENE_UNUSABLE, error.message)]
    if scene is None:
        return [_scene_row(item, TrajectoryFate.NO_METRIC_SCALE, "the source ships no sensor depth to measure it by")]
    intrinsics = _intrinsics(scene, item.config)
    centers = scene.gaussians.means.double().numpy()
    made = candidates(
        scene.views.camera_to_world, scene_statistics(scene.views.camera_to_world, centers), item.config, item.seed
    )
    sample = subsample(centers, item.config.coverage_samples, item.seed)
    rows = [_candidate_row(item, scene, candidate, intrinsics, sample) for candidate in made]
    rows = _choose(rows, item.config.clips_per_scene)
    chosen = {row.name for row in rows if row.fate is TrajectoryFate.RENDERED}
    paths = {candidate.name: candidate.camera_to_world for candidate in made if candidate.name in chosen}
    save_file({**paths, "intrinsics": intrinsics}, directory / _PATHS)
    return [row.model_dump(mode="json") for row in rows]


def read_path(directory: Path, name: str) -> tuple[Float[np.ndarray, "frames 4 4"], Float[np.ndarray, "4"]]:
    """A chosen path and the intrinsics of its pictures, as ``plan_scene`` left them."""
    tensors = load_file(directory / _PATHS)
    return tensors[name], tensors["intrinsics"]


def _intrinsics(scene: MetricScene, config: SplatConfig) -> Float[np.ndarray, "4"]:
    """Median training intrinsics, brought to the clip's size by scaling and cutting."""
    fit = CoverCrop(native=scene.views.size, target=(config.height, config.width))
    return fit.intrinsics(np.median(scene.views.intrinsics, axis=0)[None])[0]


def _candidate_row(
    item: SceneItem,
    scene: MetricScene,
    candidate: Candidate,
    intrinsics: Float[np.ndarray, "4"],
    sample: Float[np.ndarray, "samples 3"],
) -> TrajectoryRow:
    """Coverage of one path; ``rendered`` here means that it passed."""
    config = item.config
    found = coverage(candidate.camera_to_world, intrinsics, sample, config)
    fate = TrajectoryFate.RENDERED
    if found.covered_views < config.covered_views_minimum:
        fate = TrajectoryFate.COVERAGE
    elif found.tiled_views < config.covered_views_minimum:
        fate = TrajectoryFate.EMPTY_TILES
    return TrajectoryRow(
        scene_path=item.scene_path,
        name=candidate.name,
        family=candidate.family,
        fate=fate,
        detail="" if fate is TrajectoryFate.RENDERED else _numbers(found.covered_views, found.tiled_views, config),
        covered_views=found.covered_views,
        tiled_views=found.tiled_views,
        worst_empty_tiles=found.worst_empty_tiles,
        expected_motion=found.expected_motion,
        path_length_m=path_length(candidate.camera_to_world),
        metres_per_unit=scene.metres_per_unit,
    )


def _choose(rows: list[TrajectoryRow], limit: int) -> list[TrajectoryRow]:
    """Keep the ``limit`` liveliest of the paths that passed; 0 keeps all.

    Table 6 asks more motion of DL3DV-GS than of any other source, so that a quiet path is rendered for nothing.
    """
    passed = [row for row in rows if row.fate is TrajectoryFate.RENDERED]
    if limit == 0 or len(passed) <= limit:
        return rows
    kept = {row.name for row in sorted(passed, key=lambda row: (-row.expected_motion, row.name))[:limit]}
    dropped = {"fate": TrajectoryFate.NOT_CHOSEN, "detail": f"{len(passed)} passed, the {limit} liveliest are rendered"}
    return [row.model_copy(update=dropped) if row in passed and row.name not in kept else row for row in rows]


def _scene_row(item: SceneItem, fate: TrajectoryFate, detail: str) -> dict[str, Any]:
    row = TrajectoryRow(scene_path=item.scene_path, name="", family="", fate=fate, detail=detail)
    return row.model_dump(mode="json")


def _numbers(covered: float, tiled: float, config: SplatConfig) -> str:
    need = config.covered_views_minimum
    return f"{covered:.0%} of the views hold enough splats, {tiled:.0%} few enough empty tiles; {need:.0%} must"
