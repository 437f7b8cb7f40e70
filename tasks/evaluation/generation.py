"""A video for every benchmark item, by the checkpoint under evaluation."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from infra.stage import ProgressSink
from model.generation.bundle import RunSettings, write_bundle
from model.generation.pipeline import WorldPipeline
from model.generation.request import GenerationRequest
from tasks.evaluation.build import BenchmarkItem
from tasks.evaluation.config import EvaluateConfig
from tasks.vision.threads import single_torch_thread
from tasks.vision.video import write_video


@dataclass(frozen=True)
class GeneratedVideo:
    """One video on disk and how long it took."""

    item: BenchmarkItem
    path: Path
    seconds: float


def generate_videos(
    videos: Path,
    items: Sequence[BenchmarkItem],
    artifacts: tuple[Path, Path],
    config: EvaluateConfig,
    progress: ProgressSink,
) -> list[GeneratedVideo]:
    """Write ``<split>/<id>_generated.mp4``.

    Args:
        videos: directory to fill.
        items: what to make.
        artifacts: checkpoint directory and the directory of its codec and text encoder.
        config: how.
        progress: where to report progress.
    """
    pipeline = _open(items[0], artifacts, config)
    progress.start("videos", len(items))
    made = []
    for item in items:
        path = videos / item.split.value / f"{item.id}_generated.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        with single_torch_thread():
            frames = pipeline.generate(_request(item, config))
        seconds = time.monotonic() - began
        write_video(path, frames, item.scene.clip.fps, config.video_quality)
        made.append(GeneratedVideo(item, path, seconds))
        progress.advance()
    return made


def _open(item: BenchmarkItem, artifacts: tuple[Path, Path], config: EvaluateConfig) -> WorldPipeline:
    clip = item.scene.clip
    settings = RunSettings(
        height=clip.height,
        width=clip.width,
        fps=clip.fps,
        cached_chunks=config.cached_chunks,
        sink=config.sink,
        steps=config.steps,
        shift=config.shift,
        guidance=config.guidance,
    )
    with tempfile.TemporaryDirectory(prefix="evaluate-") as scratch:
        write_bundle(Path(scratch), *artifacts, settings)
        return WorldPipeline.load(Path(scratch))


def _request(item: BenchmarkItem, config: EvaluateConfig) -> GenerationRequest:
    return GenerationRequest(
        image=item.scene.first_frame,
        prompt=item.scene.prompt,
        camera_to_world=item.camera_to_world,
        intrinsics=np.tile(item.scene.intrinsics, (len(item.camera_to_world), 1)),
        seed=config.seed,
        mode=config.mode,
    )
