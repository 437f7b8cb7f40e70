"""Camera accuracy: cameras found in a video against those asked for, failures in the denominator (App. D.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from safetensors.numpy import load_file, save_file

from data_contracts.benchmark import PoseScore
from model.geometry.alignment import AlignmentError
from model.geometry.pose_metrics import PoseErrors, benchmark_errors, umeyama_errors
from tasks.vision.sfm import SfmError, SfmOptions, reconstruct
from tasks.vision.video import read_video

FOUND = "poses.safetensors"
WORST = 180.0


@dataclass(frozen=True)
class EstimateItem:
    """One video whose cameras are wanted."""

    video: Path
    options: SfmOptions


def estimate_video(item: EstimateItem, directory: Path) -> dict[str, str]:
    """Find the cameras of one video and leave them in ``directory``; a video without a reconstruction says why."""
    try:
        found = reconstruct(read_video(item.video).frames, item.options)
    except SfmError as error:
        return {"failed": str(error)}
    save_file({"camera_to_world": np.ascontiguousarray(found.camera_to_world)}, directory / FOUND)
    return {"failed": ""}


def read_estimate(directory: Path) -> Float[ndarray, "frames 4 4"] | None:
    """What ``estimate_video`` left; None for a failure."""
    path = directory / FOUND
    return load_file(path)["camera_to_world"] if path.exists() else None


@dataclass(frozen=True)
class VideoPoseErrors:
    """Errors of one video under both alignments; None where no path was found or none can be aligned."""

    benchmark: PoseErrors | None
    umeyama: PoseErrors | None


def video_errors(
    estimate: Float[ndarray, "frames 4 4"] | None, asked: Float[ndarray, "frames 4 4"], interval: int
) -> VideoPoseErrors:
    """Compare every ``interval``-th frame over the common length, both relative to frame 0.

    A fit with a scale that is not positive is a failure: the estimate moves against the path that was asked for.
    """
    if estimate is None:
        return VideoPoseErrors(None, None)
    frames = min(len(estimate), len(asked))
    found, truth = (_relative(path[:frames:interval]) for path in (estimate, asked))
    benchmark = benchmark_errors(found, truth)
    try:
        umeyama = umeyama_errors(found, truth)
    except AlignmentError:
        umeyama = None
    return VideoPoseErrors(benchmark if benchmark.valid else None, umeyama)


def pose_score(errors: Sequence[VideoPoseErrors]) -> PoseScore:
    """Means over the videos that gave a path, how many did not, and the mean with those counted as 180 degrees."""
    found = [error.benchmark for error in errors if error.benchmark is not None]
    umeyama = [error.umeyama.rotation_deg for error in errors if error.umeyama is not None]
    failed = len(errors) - len(found)
    rotations = [error.rotation_deg for error in found]
    return PoseScore(
        n=len(errors),
        failed=failed,
        rotation_deg=_mean(rotations),
        rotation_deg_all=_mean([*rotations, *[WORST] * failed]),
        rotation_deg_umeyama=_mean(umeyama),
        translation_m=_mean([error.translation for error in found]),
        camera_motion=_mean([error.camera_motion for error in found]),
    )


def _relative(path: Float[ndarray, "frames 4 4"]) -> Float[ndarray, "frames 4 4"]:
    return np.linalg.inv(path[0]) @ path


def _mean(values: Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 6) if values else None
