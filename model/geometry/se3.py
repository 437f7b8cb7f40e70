"""SE(3): rigid motions as 4x4 matrices, batched, float64. Twists are (translation part, rotation part)."""

import numpy as np
from jaxtyping import Float

from model.geometry.rotations import hat, interpolate_rotations, nearest_rotation, rotation_exp, rotation_log


def rigid(
    rotations: Float[np.ndarray, "*batch 3 3"], translations: Float[np.ndarray, "*batch 3"]
) -> Float[np.ndarray, "*batch 4 4"]:
    """The 4x4 matrix ``[R | t; 0 0 0 1]``."""
    translations = np.asarray(translations, dtype=np.float64)
    motion = np.zeros((*translations.shape[:-1], 4, 4))
    motion[..., :3, :3] = rotations
    motion[..., :3, 3] = translations
    motion[..., 3, 3] = 1.0
    return motion


def inverse(motions: Float[np.ndarray, "*batch 4 4"]) -> Float[np.ndarray, "*batch 4 4"]:
    """``b_from_a`` of ``a_from_b``, without a matrix inversion."""
    back = np.swapaxes(motions[..., :3, :3], -1, -2)
    return rigid(back, -np.einsum("...ij,...j->...i", back, motions[..., :3, 3]))


def se3_exp(twists: Float[np.ndarray, "*batch 6"]) -> Float[np.ndarray, "*batch 4 4"]:
    """The rigid motion of each twist (rho, phi): ``R = exp(phi)``, ``t = V(phi) rho``."""
    twists = np.asarray(twists, dtype=np.float64)
    translation, rotation = twists[..., :3], twists[..., 3:]
    left_jacobian = _left_jacobian(rotation)
    return rigid(rotation_exp(rotation), np.einsum("...ij,...j->...i", left_jacobian, translation))


def se3_log(motions: Float[np.ndarray, "*batch 4 4"]) -> Float[np.ndarray, "*batch 6"]:
    """The twist of each rigid motion; inverse of ``se3_exp`` for rotation angles below pi."""
    rotation = rotation_log(motions[..., :3, :3])
    translation = np.linalg.solve(_left_jacobian(rotation), motions[..., :3, 3:])[..., 0]
    return np.concatenate([translation, rotation], axis=-1)


def relative_to_first(camera_to_world: Float[np.ndarray, "frames 4 4"]) -> Float[np.ndarray, "frames 4 4"]:
    """Poses in the frame of the first camera; row 0 is exactly the identity."""
    relative = inverse(camera_to_world[:1]) @ camera_to_world
    relative[0] = np.eye(4)
    return relative


def steps_between(camera_to_world: Float[np.ndarray, "frames 4 4"]) -> Float[np.ndarray, "steps 4 4"]:
    """Motion from each frame to the next, in the frame of the earlier camera: ``inv(T_t) T_{t+1}``."""
    return inverse(camera_to_world[:-1]) @ camera_to_world[1:]


def path_length(camera_to_world: Float[np.ndarray, "frames 4 4"]) -> float:
    """Length of the polyline through the camera centres, in units of the translation."""
    return float(np.linalg.norm(np.diff(camera_to_world[:, :3, 3], axis=0), axis=-1).sum())


def interpolate_poses(
    times: Float[np.ndarray, "known"],
    camera_to_world: Float[np.ndarray, "known 4 4"],
    query: Float[np.ndarray, "frames"],
) -> Float[np.ndarray, "frames 4 4"]:
    """Poses at ``query``: centres linear, rotations at constant speed; held constant outside the known range.

    Args:
        times: strictly increasing times of the known poses.
        camera_to_world: the known poses.
        query: times asked for.

    Raises:
        ValueError: ``times`` do not increase or differ in number from the poses.
    """
    times, query = np.asarray(times, dtype=np.float64), np.asarray(query, dtype=np.float64)
    if len(times) != len(camera_to_world) or len(times) == 0 or np.any(np.diff(times) <= 0):
        raise ValueError(f"times: {len(times)} values for {len(camera_to_world)} poses; must be equal and increasing")
    if len(times) == 1:
        return np.repeat(np.asarray(camera_to_world, dtype=np.float64), len(query), axis=0)
    left = np.clip(np.searchsorted(times, query, side="right") - 1, 0, len(times) - 2)
    fraction = np.clip((query - times[left]) / (times[left + 1] - times[left]), 0.0, 1.0)
    before, after = camera_to_world[left], camera_to_world[left + 1]
    rotations = interpolate_rotations(before[:, :3, :3], after[:, :3, :3], fraction)
    centres = before[:, :3, 3] + fraction[:, None] * (after[:, :3, 3] - before[:, :3, 3])
    return rigid(rotations, centres)


def rigidity_error(motions: Float[np.ndarray, "*batch 4 4"]) -> Float[np.ndarray, "*batch"]:
    """How far each matrix is from a rigid motion: distance to the nearest rotation plus the last row's error."""
    rotations = motions[..., :3, :3]
    skewed = np.linalg.norm(rotations - nearest_rotation(rotations), axis=(-2, -1))
    last_row = np.linalg.norm(motions[..., 3, :] - np.array([0.0, 0.0, 0.0, 1.0]), axis=-1)
    return skewed + last_row


def orthonormalize(motions: Float[np.ndarray, "*batch 4 4"]) -> Float[np.ndarray, "*batch 4 4"]:
    """The same poses with exactly orthonormal rotations (sources store float32 or rounded decimals)."""
    return rigid(nearest_rotation(motions[..., :3, :3]), motions[..., :3, 3])


def _left_jacobian(rotation: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3 3"]:
    """``V(phi) = I + (1 - cos a)/a^2 hat + (a - sin a)/a^3 hat^2``, with series near zero."""
    angle = np.linalg.norm(rotation, axis=-1)[..., None, None]
    skew = hat(rotation)
    small = angle < 1e-2
    safe = np.where(small, 1.0, angle)
    first = 0.5 * np.sinc(angle / (2 * np.pi)) ** 2
    series = 1 / 6 - angle**2 / 120 + angle**4 / 5040
    second = np.where(small, series, (safe - np.sin(safe)) / safe**3)
    return np.eye(3) + first * skew + second * (skew @ skew)
