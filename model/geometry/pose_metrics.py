"""Pose accuracy: RotErr, TransErr and CamMC of App. D.3, and root mean square errors after Sim(3) alignment."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from model.geometry.alignment import AlignmentError, align_benchmark, align_orientations, umeyama
from model.geometry.rotations import geodesic_angle
from model.geometry.se3 import path_length


@dataclass(frozen=True)
class PoseErrors:
    """Means over frames (App. D.3).

    Attributes:
        rotation_deg: RotErr, degrees.
        translation: TransErr, units of the true path (metres).
        camera_motion: CamMC, Frobenius norm of the difference of the 3x4 camera-to-world matrices.
        scale: scale the alignment applied to the estimate.
        valid: False when that scale is not positive, that is when the estimate is no path at all.
    """

    rotation_deg: float
    translation: float
    camera_motion: float
    scale: float
    valid: bool


@dataclass(frozen=True)
class PathAccuracy:
    """Root mean square errors after Sim(3) alignment: degrees, and translation over the length of the true path."""

    rotation_rmse_deg: float
    translation_rmse_relative: float
    scale: float


def pose_errors(
    aligned: Float[np.ndarray, "frames 4 4"], truth: Float[np.ndarray, "frames 4 4"], scale: float = 1.0
) -> PoseErrors:
    """RotErr, TransErr and CamMC of poses that are already aligned."""
    rotation = np.degrees(geodesic_angle(truth[:, :3, :3], aligned[:, :3, :3]))
    translation = np.linalg.norm(truth[:, :3, 3] - aligned[:, :3, 3], axis=-1)
    motion = np.linalg.norm(truth[:, :3] - aligned[:, :3], axis=(-2, -1))
    return PoseErrors(float(rotation.mean()), float(translation.mean()), float(motion.mean()), scale, scale > 0)


def benchmark_errors(estimate: Float[np.ndarray, "frames 4 4"], truth: Float[np.ndarray, "frames 4 4"]) -> PoseErrors:
    """The published figures: the benchmark's own alignment, then the means.

    Raises:
        AlignmentError: shapes differ or a value is not finite.
    """
    alignment = align_benchmark(estimate, truth)
    return pose_errors(alignment.camera_to_world, truth, alignment.scale)


def umeyama_errors(
    estimate: Float[np.ndarray, "frames 4 4"], truth: Float[np.ndarray, "frames 4 4"], with_scale: bool = True
) -> PoseErrors:
    """The paper's text: Umeyama on the centres, then the means.

    Raises:
        AlignmentError: the centres cannot be aligned.
    """
    fit = umeyama(estimate[:, :3, 3], truth[:, :3, 3], with_scale)
    return pose_errors(fit.similarity.poses(estimate), truth, fit.similarity.scale)


def path_accuracy(estimate: Float[np.ndarray, "frames 4 4"], truth: Float[np.ndarray, "frames 4 4"]) -> PathAccuracy:
    """Root mean square errors after the Sim(3) that fits the centres, or the orientations where the path is a line.

    Raises:
        AlignmentError: the paths cannot be aligned, or the true path has no length.
    """
    length = path_length(truth)
    if length <= 0:
        raise AlignmentError("truth: the camera never moves, so no error relative to its path exists")
    fit = umeyama(estimate[:, :3, 3], truth[:, :3, 3])
    similarity = align_orientations(estimate, truth) if fit.collinear else fit.similarity
    aligned = similarity.poses(estimate)
    rotation = np.degrees(geodesic_angle(truth[:, :3, :3], aligned[:, :3, :3]))
    translation = np.linalg.norm(truth[:, :3, 3] - aligned[:, :3, 3], axis=-1)
    return PathAccuracy(_rms(rotation), _rms(translation) / length, similarity.scale)


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2)))
