"""Bundle adjustment with per-frame focal lengths (App. B.1), by Levenberg-Marquardt on the Schur complement.

Minimizes, over camera poses, log focal lengths and points,
``sum rho(|project(R X + t) - u|^2 / s^2) + sum (dd log f_t / s_f)^2 + mean (log f_t / f_0)^2 / s_0^2``
(``dd`` is the second difference over time), with ``rho`` Cauchy's loss. Smoothness of the focal length and the weak
prior hold it where the path tells nothing of it (a pure turn, a straight dolly). Square pixels, principal point known.
Points are eliminated by blocks of 3x3; the reduced camera system is dense, which at some hundred frames is faster than
sparse.
"""

from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg
from jaxtyping import Float, Int

from model.geometry.rotations import rotation_exp

POSE = 6
FOCAL_RANGE = np.log(4.0)  # a focal length farther from the prior is no camera that App. B.3 lets through
Pixels = Float[np.ndarray, "observations 2"]


@dataclass(frozen=True)
class Observations:
    """Pixels of points in frames, sorted by frame; pixel centres at integers.

    Attributes:
        frame: row of the camera arrays.
        point: row of the point array.
        pixels: x y.
    """

    frame: Int[np.ndarray, " observations"]
    point: Int[np.ndarray, " observations"]
    pixels: Pixels

    def select(self, keep: np.ndarray) -> "Observations":
        """The kept observations."""
        return Observations(self.frame[keep], self.point[keep], self.pixels[keep])


@dataclass(frozen=True)
class Scene:
    """Cameras and points. ``camera_from_world``: X_c = R X + t.

    Attributes:
        rotations: R of each frame.
        translations: t of each frame.
        log_focal: log of the focal length in pixels; one entry (shared) or one for each frame.
        principal: cx cy in pixels, known.
        points: in world coordinates.
    """

    rotations: Float[np.ndarray, "frames 3 3"]
    translations: Float[np.ndarray, "frames 3"]
    log_focal: Float[np.ndarray, " focals"]
    principal: Float[np.ndarray, "2"]
    points: Float[np.ndarray, "points 3"]

    @property
    def focal(self) -> Float[np.ndarray, " frames"]:
        """Focal length of each frame, pixels."""
        return np.exp(np.broadcast_to(self.log_focal, len(self.rotations)))


@dataclass(frozen=True)
class BundleOptions:
    """What is adjusted, and how hard the priors pull.

    Attributes:
        pixel_sigma: expected error of a good observation, pixels.
        loss_scale: Cauchy's scale in units of ``pixel_sigma``.
        focal_smoothness: s_f, expected second difference of log f.
        focal_prior: s_0, width of the prior on log f around ``prior_focal``.
        prior_focal: f_0, pixels.
        fixed_cameras: poses and focal lengths are given; only points move.
        iterations: at most so many.
        tolerance: relative decrease of the cost at which it stops.
    """

    pixel_sigma: float
    loss_scale: float
    focal_smoothness: float
    focal_prior: float
    prior_focal: float
    fixed_cameras: bool = False
    iterations: int = 30
    tolerance: float = 1e-4


@dataclass(frozen=True)
class BundleResult:
    """The adjusted scene, its cost, and the reprojection error of each observation in pixels."""

    scene: Scene
    cost: float
    errors: Float[np.ndarray, " observations"]


def reproject(scene: Scene, observations: Observations) -> tuple[Pixels, Float[np.ndarray, " observations"]]:
    """Predicted pixels and depths of all observations."""
    local = _local(scene, observations)
    depth = local[:, 2]
    safe = np.where(np.abs(depth) < 1e-9, 1e-9, depth)
    return scene.focal[observations.frame, None] * local[:, :2] / safe[:, None] + scene.principal, depth


def adjust(scene: Scene, observations: Observations, options: BundleOptions) -> BundleResult:
    """Minimize the cost from the given start.

    Raises:
        ValueError: observations are not sorted by frame, or a point or frame has none.
    """
    problem = _Problem(scene, observations, options)
    damping, cost = 1e-4, problem.cost(scene)
    for _ in range(options.iterations):
        system = problem.linearize(scene)
        while damping < 1e8:
            trial = problem.step(scene, system, damping)
            trial_cost = problem.cost(trial) if trial else np.inf
            if trial and trial_cost < cost:
                break
            damping *= 8
        else:
            break
        gain, scene, cost = (cost - trial_cost) / max(cost, 1e-300), trial, trial_cost
        damping = max(damping / 8, 1e-9)
        if gain < options.tolerance:
            break
    predicted, _ = reproject(scene, observations)
    return BundleResult(scene, cost, np.linalg.norm(predicted - observations.pixels, axis=-1))


def _local(scene: Scene, observations: Observations) -> np.ndarray:
    turned = np.einsum("nij,nj->ni", scene.rotations[observations.frame], scene.points[observations.point])
    return turned + scene.translations[observations.frame]


@dataclass(frozen=True)
class _System:
    """Normal equations: cameras U and g, points V and h, coupling W (points x 3 x camera parameters)."""

    camera: np.ndarray
    camera_gradient: np.ndarray
    point: np.ndarray
    point_gradient: np.ndarray
    coupling: np.ndarray


class _Problem:
    """The fixed part of one adjustment: index structure, options, priors."""

    def __init__(self, scene: Scene, observations: Observations, options: BundleOptions) -> None:
        self.observations, self.options = observations, options
        self.frames, self.points = len(scene.rotations), len(scene.points)
        self.shared = len(scene.log_focal) == 1
        self.size = POSE * self.frames + len(scene.log_focal)
        frame, point = observations.frame, observations.point
        if np.any(np.diff(frame) < 0):
            raise ValueError("observations: must be sorted by frame")
        self.frame_starts = np.searchsorted(frame, np.arange(self.frames))
        self.by_point = np.argsort(point, kind="stable")
        self.point_starts = np.searchsorted(point[self.by_point], np.arange(self.points))
        counts = np.bincount(frame, minlength=self.frames), np.bincount(point, minlength=self.points)
        if counts[1].min() == 0 or (counts[0].min() == 0 and not options.fixed_cameras):
            raise ValueError("observations: every frame and every point needs at least one")
        self.pose_columns = POSE * frame[:, None] + np.arange(POSE)
        self.focal_columns = POSE * self.frames + (np.zeros_like(frame) if self.shared else frame)
        self.smoothness = self._smoothness(len(scene.log_focal))

    def _smoothness(self, focals: int) -> np.ndarray:
        if focals < 3:
            return np.zeros((0, focals))
        return np.diff(np.eye(focals), n=2, axis=0) / self.options.focal_smoothness

    def cost(self, scene: Scene) -> float:
        """Robust cost; infinite when a point falls behind a camera that sees it, or a focal length runs away."""
        predicted, depth = reproject(scene, self.observations)
        away = np.abs(scene.log_focal - np.log(self.options.prior_focal)).max()
        if depth.min() <= 1e-6 or away > FOCAL_RANGE:
            return np.inf
        scaled = ((predicted - self.observations.pixels) ** 2).sum(-1) / self.options.pixel_sigma**2
        width = self.options.loss_scale**2
        data = width * np.log1p(scaled / width).sum()
        return float(data + (self._focal_residuals(scene) ** 2).sum())

    def _focal_residuals(self, scene: Scene) -> np.ndarray:
        offset = scene.log_focal - np.log(self.options.prior_focal)
        spread = self.options.focal_prior * np.sqrt(len(offset))
        return np.concatenate([self.smoothness @ scene.log_focal, offset / spread])

    def linearize(self, scene: Scene) -> _System:
        """Gauss-Newton normal equations at ``scene`` with the weights of the robust loss."""
        local = _local(scene, self.observations)
        focal = scene.focal[self.observations.frame]
        plane = local[:, :2] / local[:, 2:]
        residual = focal[:, None] * plane + scene.principal - self.observations.pixels
        width = self.options.loss_scale**2 * self.options.pixel_sigma**2
        weight = 1.0 / (1.0 + (residual**2).sum(-1) / width)
        root = np.sqrt(weight)[:, None] / self.options.pixel_sigma
        by_local = _projection_jacobian(local, focal) * root[..., None]
        residual = residual * root
        by_pose = np.concatenate([_cross_columns(by_local, local), by_local], axis=-1)
        by_focal = (focal[:, None] * plane) * root
        by_point = by_local @ scene.rotations[self.observations.frame]
        return self._assemble(scene, residual, (by_pose, by_focal, by_point))

    def _assemble(
        self, scene: Scene, residual: np.ndarray, jacobians: tuple[np.ndarray, np.ndarray, np.ndarray]
    ) -> _System:
        by_pose, by_focal, by_point = jacobians
        transposed = np.swapaxes(by_point, 1, 2)
        point = self._sum_points(transposed @ by_point)
        point_gradient = self._sum_points((transposed @ residual[..., None])[..., 0])
        if self.options.fixed_cameras:
            empty = np.zeros((0, 0))
            return _System(empty, np.zeros(0), point, point_gradient, np.zeros((self.points, 3, 0)))
        camera, gradient = self._camera_blocks(scene, residual, by_pose, by_focal)
        coupling = np.zeros((self.points, 3, self.size))
        rows = self.observations.point
        coupling[rows[:, None, None], np.arange(3)[:, None], self.pose_columns[:, None, :]] = transposed @ by_pose
        focal_part = (transposed @ by_focal[..., None])[..., 0]
        if self.shared:
            coupling[:, :, -1] = self._sum_points(focal_part)
        else:
            coupling[rows[:, None], np.arange(3), self.focal_columns[:, None]] = focal_part
        return _System(camera, gradient, point, point_gradient, coupling)

    def _camera_blocks(
        self, scene: Scene, residual: np.ndarray, by_pose: np.ndarray, by_focal: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        full = np.concatenate([by_pose, by_focal[..., None]], axis=-1)
        transposed = np.swapaxes(full, 1, 2)
        blocks = np.add.reduceat(transposed @ full, self.frame_starts, axis=0)
        gradients = np.add.reduceat((transposed @ residual[..., None])[..., 0], self.frame_starts, axis=0)
        camera, gradient = np.zeros((self.size, self.size)), np.zeros(self.size)
        for index in range(self.frames):
            focal = POSE * self.frames + (0 if self.shared else index)
            columns = np.r_[POSE * index : POSE * (index + 1), focal]
            camera[np.ix_(columns, columns)] += blocks[index]
            gradient[columns] += gradients[index]
        priors = np.concatenate([self.smoothness, np.eye(self.size - POSE * self.frames)])
        spread = self.options.focal_prior * np.sqrt(self.size - POSE * self.frames)
        priors[len(self.smoothness) :] /= spread
        focals = slice(POSE * self.frames, self.size)
        camera[focals, focals] += priors.T @ priors
        gradient[focals] += priors.T @ self._focal_residuals(scene)
        return camera, gradient

    def _sum_points(self, values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values[self.by_point], self.point_starts, axis=0)

    def step(self, scene: Scene, system: _System, damping: float) -> Scene | None:
        """The scene after one damped step: cameras from the reduced system, points by back-substitution.

        None when rounding makes the reduced system indefinite: more damping is needed.
        """
        diagonal = np.einsum("nii->ni", system.point)
        point = system.point + np.eye(3) * (damping * diagonal + 1e-9)[:, None, :]
        coupled = np.linalg.solve(point, np.concatenate([system.coupling, system.point_gradient[..., None]], axis=-1))
        move = np.zeros(self.size)
        if not self.options.fixed_cameras:
            flat = system.coupling.reshape(-1, self.size)
            solved = coupled.reshape(-1, self.size + 1)
            reduced = system.camera - flat.T @ solved[:, :-1]
            reduced[np.diag_indices(self.size)] += damping * np.diag(system.camera) + 1e-9
            right = flat.T @ solved[:, -1] - system.camera_gradient
            try:
                factor = scipy.linalg.cho_factor(reduced, check_finite=False)
            except np.linalg.LinAlgError:
                return None
            move = scipy.linalg.cho_solve(factor, right, check_finite=False)
            shift = -coupled[..., -1] - coupled[..., :-1] @ move
        else:
            shift = -coupled[..., -1]
        return _moved(scene, move, shift, self.frames)


def _moved(scene: Scene, move: np.ndarray, shift: np.ndarray, frames: int) -> Scene:
    poses = move[: POSE * frames].reshape(frames, POSE)
    turn = rotation_exp(poses[:, :3])
    return replace(
        scene,
        rotations=turn @ scene.rotations,
        translations=np.einsum("nij,nj->ni", turn, scene.translations) + poses[:, 3:],
        log_focal=scene.log_focal + move[POSE * frames :],
        points=scene.points + shift,
    )


def _projection_jacobian(local: np.ndarray, focal: np.ndarray) -> Float[np.ndarray, "observations 2 3"]:
    """Derivative of the pixel by the point in camera coordinates."""
    jacobian = np.zeros((len(local), 2, 3))
    inverse_depth = 1.0 / local[:, 2]
    jacobian[:, 0, 0] = jacobian[:, 1, 1] = focal * inverse_depth
    jacobian[:, :, 2] = -focal[:, None] * local[:, :2] * inverse_depth[:, None] ** 2
    return jacobian


def _cross_columns(by_local: np.ndarray, local: np.ndarray) -> np.ndarray:
    """Derivative by a rotation ``w`` about the camera, ``d(local) = w x local``: row ``j`` becomes ``local x j``."""
    return np.cross(local[:, None, :], by_local)
