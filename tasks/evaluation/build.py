"""The benchmark on disk, in its published layout, from held-out scenes and the trajectory templates."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from PIL import Image

from data_contracts.benchmark import ManifestLine, RevisitPair, SceneTrajectories, SceneTrajectory, Split
from model.geometry.intrinsics import intrinsics_matrix
from model.geometry.waypoints import PathLimits
from tasks.evaluation.config import EvaluateConfig
from tasks.evaluation.scenes import Scene
from tasks.evaluation.templates import templates
from tasks.evaluation.trajectories import revisit_pairs, scene_path, smoothness

PUBLISHED = {Split.SIMPLE: "smooth", Split.HARD: "hard"}


@dataclass(frozen=True)
class BenchmarkItem:
    """One scene on one trajectory: what a model is asked for, and what it is scored by."""

    id: str
    split: Split
    scene: Scene
    camera_to_world: Float[ndarray, "frames 4 4"]
    pairs: list[RevisitPair]


def build_benchmark(root: Path, scenes: Sequence[Scene], config: EvaluateConfig) -> list[BenchmarkItem]:
    """Write ``images/``, ``scene_set/`` and both splits under ``root``; scene ``i`` takes template ``i`` of a split."""
    names = _scene_ids(scenes)
    (root / "images").mkdir(parents=True)
    (root / "scene_set").mkdir()
    for name, scene in zip(names, scenes, strict=True):
        Image.fromarray(scene.first_frame).save(root / "images" / f"{name}.png")
    (root / "scene_set" / "kept_scenes.txt").write_text("".join(f"{name}\n" for name in names))
    return [
        item for split in Split for item in _build_split(root, split, dict(zip(names, scenes, strict=True)), config)
    ]


def split_directory(split: Split, config: EvaluateConfig, fps: float) -> str:
    """The published name of a split; ``60s`` at 961 frames."""
    return f"benchmark_v2_{PUBLISHED[split]}_{round((config.raw_frames - 1) / fps)}s"


def _build_split(root: Path, split: Split, scenes: dict[str, Scene], config: EvaluateConfig) -> list[BenchmarkItem]:
    fps = next(iter(scenes.values())).clip.fps
    home = root / split_directory(split, config, fps)
    export = home / "sanawm_export_v2"
    export.mkdir(parents=True)
    limits = PathLimits(
        config.degrees_per_second, config.metres_per_second, fps, config.smoothing_rounds, config.metres_per_radian
    )
    items, records, lines = [], [], []
    for index, (name, scene) in enumerate(scenes.items()):
        template = templates(split)[index % 10]
        found = scene_path(template, config.raw_frames, limits, scene.geometry)
        # Pairs are found on the final path: smoothing and scaling move revisits.
        pairs = revisit_pairs(found.camera_to_world, round(config.revisit_gap_seconds * fps), config.revisit_pairs)
        items.append(BenchmarkItem(name, split, scene, found.camera_to_world, pairs))
        records.append(
            SceneTrajectory(
                scene_id=name,
                category=name.rpartition("_")[0],
                template=template.name,
                clip_id=scene.clip.clip_id,
                median_depth_m=scene.geometry.median_depth,
                travel_scale=round(found.travel_scale, 6),
                collision=found.collision,
                smoothness=smoothness(found.camera_to_world, fps),
                evaluation_pairs=pairs,
            )
        )
        lines.append(_write_camera(root, export, items[-1], fps))
    (home / "scene_trajectories_v2.json").write_text(SceneTrajectories(scenes=records).model_dump_json(indent=1) + "\n")
    (export / "run_manifest.jsonl").write_text("".join(line.model_dump_json() + "\n" for line in lines))
    return items


def _write_camera(root: Path, export: Path, item: BenchmarkItem, fps: float) -> ManifestLine:
    """The scene's NPZ: poses, intrinsics in pixels of the source image, rate and count."""
    frames = len(item.camera_to_world)
    path = export / f"{item.id}.npz"
    np.savez(
        path,
        c2w=item.camera_to_world.astype(np.float32),
        intrinsics=np.tile(intrinsics_matrix(item.scene.intrinsics), (frames, 1, 1)).astype(np.float32),
        fps=np.float64(fps),
        num_frames=np.int64(frames),
    )
    return ManifestLine(
        id=item.id,
        prompt=item.scene.prompt,
        image_path=f"images/{item.id}.png",
        camera_path=path.relative_to(root).as_posix(),
    )


def _scene_ids(scenes: Sequence[Scene]) -> list[str]:
    """``<category>_001``: the category is the source's name, numbered within it."""
    counts: dict[str, int] = {}
    names = []
    for scene in scenes:
        counts[scene.clip.source] = counts.get(scene.clip.source, 0) + 1
        names.append(f"{scene.clip.source}_{counts[scene.clip.source]:03d}")
    return names


def read_manifest(path: Path) -> list[ManifestLine]:
    """The lines of a ``run_manifest.jsonl``."""
    return [ManifestLine.model_validate(json.loads(line)) for line in path.read_text().splitlines()]
