"""Aligning one camera path to another: Umeyama on centres, and the alignment of the published benchmark.

The two differ, and both are reported. Umeyama looks at centres alone, so a straight path leaves the rotation about its
own axis open (``collinear`` says so). The benchmark's alignment takes the rotation from the orientations, which stays
defined on a straight path, but lets a rotation error leak into the translation.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from model.geometry.rotations import nearest_rotation
from model.geometry.se3 import inverse, rigid

COLLINEAR = 1e-3  # second singular value of the centred path over its first, below which the path is a line


class AlignmentError(ValueError):
    """The two paths cannot be aligned: too few points, not finite, or all at one place."""


@dataclass(frozen=True)
class Similarity:
    """``target = scale * rotation @ source + translation``."""

    scale: float
    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, "3"]

    def points(self, points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
        """Source points in target coordinates."""
        return self.scale * points @ self.rotation.T + self.translation

    def poses(self, camera_to_world: Float[np.ndarray, "*batch 4 4"]) -> Float[np.ndarray, "*batch 4 4"]:
        """Source cameras in target coordinates."""
        rotations = self.rotation @ camera_to_world[..., :3, :3]
        return rigid(rotations, self.points(camera_to_world[..., :3, 3]))


@dataclass(frozen=True)
class UmeyamaFit:
    """A similarity, how well it fits, and whether its rotation means anything.

    Attributes:
        similarity: source to target.
        rms: root mean square distance after alignment, target units.
        collinear: the path is a line (or shorter than three places): the rotation about it is not observable.
        inliers: mask of the points the fit used.
    """

    similarity: Similarity
    rms: float
    collinear: bool
    inliers: np.ndarray


def umeyama(
    source: Float[np.ndarray, "points 3"], target: Float[np.ndarray, "points 3"], with_scale: bool = True
) -> UmeyamaFit:
    """Least-squares similarity from ``source`` to ``target`` (Umeyama 1991); ``with_scale=False`` gives SE(3).

    ``s = tr(D S) / var(source)`` with ``U D V^T`` the SVD of the cross covariance and ``S`` fixing the determinant.

    Raises:
        AlignmentError: fewer than three points, values that are not finite, or all points at one place.
    """
    source, target = np.asarray(source, dtype=np.float64), np.asarray(target, dtype=np.float64)
    _check(source, target)
    source_mean, target_mean = source.mean(0), target.mean(0)
    centred_source, centred_target = source - source_mean, target - target_mean
    left, singular, right = np.linalg.svd(centred_target.T @ centred_source / len(source))
    sign = np.array([1.0, 1.0, np.linalg.det(left @ right)])
    rotation = (left * sign) @ right
    scale = float((singular * sign).sum() / centred_source.var(0).sum()) if with_scale else 1.0
    similarity = Similarity(scale, rotation, target_mean - scale * rotation @ source_mean)
    rms = float(np.sqrt(np.mean(np.sum((similarity.points(source) - target) ** 2, -1))))
    return UmeyamaFit(similarity, rms, bool(singular[1] < COLLINEAR * singular[0]), np.ones(len(source), dtype=bool))


def umeyama_inliers(
    source: Float[np.ndarray, "points 3"], target: Float[np.ndarray, "points 3"], percentile: float = 80.0
) -> UmeyamaFit:
    """Umeyama, then once more on the points whose residual is within ``percentile`` (App. B.1: the 80th).

    Raises:
        AlignmentError: as ``umeyama``, or the inliers alone cannot be aligned.
    """
    first = umeyama(source, target)
    residuals = np.linalg.norm(first.similarity.points(source) - target, axis=-1)
    inliers = residuals <= np.percentile(residuals, percentile)
    second = umeyama(np.asarray(source)[inliers], np.asarray(target)[inliers])
    return UmeyamaFit(second.similarity, second.rms, second.collinear, inliers)


def align_orientations(estimate: Float[np.ndarray, "frames 4 4"], truth: Float[np.ndarray, "frames 4 4"]) -> Similarity:
    """Similarity whose rotation is the mean of the orientation differences and whose scale and offset fit the centres.

    Defined for straight paths too. ``scale`` may be negative when the estimate is meaningless: callers must check.

    Raises:
        AlignmentError: fewer than three poses, values that are not finite, or an estimate that never moves.
    """
    _check(estimate[:, :3, 3], truth[:, :3, 3])
    rotation = nearest_rotation((truth[:, :3, :3] @ np.swapaxes(estimate[:, :3, :3], -1, -2)).sum(0))
    turned = estimate[:, :3, 3] @ rotation.T
    centred, centred_truth = turned - turned.mean(0), truth[:, :3, 3] - truth[:, :3, 3].mean(0)
    scale = float((centred * centred_truth).sum() / (centred**2).sum())
    return Similarity(scale, rotation, truth[:, :3, 3].mean(0) - scale * turned.mean(0))


@dataclass(frozen=True)
class BenchmarkAlignment:
    """Aligned cameras and the scale that was fitted; ``scale <= 0`` means that the estimate failed."""

    camera_to_world: Float[np.ndarray, "frames 4 4"]
    scale: float


def align_benchmark(
    estimate: Float[np.ndarray, "frames 4 4"], truth: Float[np.ndarray, "frames 4 4"]
) -> BenchmarkAlignment:
    """The alignment behind the published pose metrics, term by term (it is not Umeyama on centres).

    With world-to-camera ``R^e t^e`` (estimate) and ``R^g t^g`` (truth): ``M = mean (R^g)^T R^e = U S V^T``,
    ``A = V U^T`` without a determinant guard; ``a = (R^e)^T t^e``, ``b = (R^e)^T t^g`` (the estimated rotation in
    both); ``s = sum (a - mean a)(b - mean b) / max(mean |a - mean a|^2, 1e-9) n``, ``T = mean b - s mean a``;
    aligned ``R = R^e A``, ``t = R^e T + s t^e``.

    Raises:
        AlignmentError: shapes differ or a value is not finite.
    """
    if estimate.shape != truth.shape or not (np.isfinite(estimate).all() and np.isfinite(truth).all()):
        raise AlignmentError(f"poses: {estimate.shape} against {truth.shape}; must be equal in shape and finite")
    estimated, true = inverse(estimate), inverse(truth)
    rotation, translation = estimated[:, :3, :3], estimated[:, :3, 3]
    left, _, right = np.linalg.svd((np.swapaxes(true[:, :3, :3], -1, -2) @ rotation).mean(0))
    turn = right.T @ left.T
    own = np.einsum("nji,nj->ni", rotation, translation)
    wanted = np.einsum("nji,nj->ni", rotation, true[:, :3, 3])
    centred = own - own.mean(0)
    spread = max(float((centred**2).sum(-1).mean()), 1e-9)
    scale = float((centred * (wanted - wanted.mean(0))).sum(-1).mean() / spread)
    shift = wanted.mean(0) - scale * own.mean(0)
    aligned = rigid(rotation @ turn, rotation @ shift + scale * translation)
    return BenchmarkAlignment(inverse(aligned), scale)


def _check(source: np.ndarray, target: np.ndarray) -> None:
    if source.shape != target.shape or len(source) < 3:
        raise AlignmentError(f"points: {source.shape} against {target.shape}; need equal shapes with at least 3 rows")
    if not (np.isfinite(source).all() and np.isfinite(target).all()):
        raise AlignmentError("points: a value is not finite")
    size = max(float(np.abs(source).max()), 1e-300)
    if float(np.ptp(source, axis=0).max()) <= 1e-9 * size:
        raise AlignmentError("points: the source never moves, so no scale exists")
