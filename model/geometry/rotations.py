"""SO(3): exponential, logarithm, quaternions (w x y z), angles and interpolation, batched, float64."""

import numpy as np
from jaxtyping import Float

SMALL = 1e-8


def hat(vectors: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3 3"]:
    """The skew-symmetric matrix of each vector: ``hat(a) @ b == cross(a, b)``."""
    x, y, z = np.moveaxis(np.asarray(vectors, dtype=np.float64), -1, 0)
    zero = np.zeros_like(x)
    rows = [np.stack([zero, -z, y], -1), np.stack([z, zero, -x], -1), np.stack([-y, x, zero], -1)]
    return np.stack(rows, -2)


def rotation_exp(rotation_vectors: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3 3"]:
    """Rodrigues' formula: rotation matrices of rotation vectors (axis times angle, radians)."""
    rotation_vectors = np.asarray(rotation_vectors, dtype=np.float64)
    angle = np.linalg.norm(rotation_vectors, axis=-1)[..., None, None]
    half_sinc = np.sinc(angle / (2 * np.pi))
    skew = hat(rotation_vectors)
    return np.eye(3) + np.sinc(angle / np.pi) * skew + 0.5 * half_sinc**2 * (skew @ skew)


def rotation_log(rotations: Float[np.ndarray, "*batch 3 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Rotation vectors with angle in [0, pi]; accurate near 0 and near pi because it goes through quaternions."""
    quaternions = quaternion_from_rotation(rotations)
    scalar, vector = quaternions[..., :1], quaternions[..., 1:]
    sine = np.linalg.norm(vector, axis=-1, keepdims=True)
    small = sine < SMALL
    factor = np.where(small, 2.0, 2.0 * np.arctan2(sine, scalar) / np.where(small, 1.0, sine))
    return factor * vector


def quaternion_from_rotation(rotations: Float[np.ndarray, "*batch 3 3"]) -> Float[np.ndarray, "*batch 4"]:
    """Unit quaternions (w x y z, w >= 0): the best conditioned of Shepperd's four cases for each matrix."""
    rotations = np.asarray(rotations, dtype=np.float64)
    diagonal = np.diagonal(rotations, axis1=-2, axis2=-1)
    trace = diagonal.sum(-1)
    # Row k of the outer product q q^T (times 4), k = the largest entry of q.
    squares = np.concatenate([(1 + trace)[..., None], 1 + 2 * diagonal - trace[..., None]], axis=-1)
    r = rotations
    wx, wy, wz = r[..., 2, 1] - r[..., 1, 2], r[..., 0, 2] - r[..., 2, 0], r[..., 1, 0] - r[..., 0, 1]
    xy, xz, yz = r[..., 0, 1] + r[..., 1, 0], r[..., 0, 2] + r[..., 2, 0], r[..., 1, 2] + r[..., 2, 1]
    w2, x2, y2, z2 = np.moveaxis(squares, -1, 0)
    rows = [[w2, wx, wy, wz], [wx, x2, xy, xz], [wy, xy, y2, yz], [wz, xz, yz, z2]]
    outer = np.stack([np.stack(row, -1) for row in rows], -2)
    largest = np.argmax(squares, axis=-1)
    quaternions = np.take_along_axis(outer, largest[..., None, None], axis=-2)[..., 0, :]
    quaternions = quaternions / np.linalg.norm(quaternions, axis=-1, keepdims=True)
    return np.where(quaternions[..., :1] < 0, -quaternions, quaternions)


def rotation_from_quaternion(quaternions: Float[np.ndarray, "*batch 4"]) -> Float[np.ndarray, "*batch 3 3"]:
    """Rotation matrices of quaternions (w x y z), which are normalized first.

    Raises:
        ValueError: a quaternion is zero.
    """
    quaternions = np.asarray(quaternions, dtype=np.float64)
    norm = np.linalg.norm(quaternions, axis=-1, keepdims=True)
    if np.any(norm < SMALL):
        raise ValueError("quaternions: a row has norm 0, which is no rotation")
    scalar, vector = np.split(quaternions / norm, [1], axis=-1)
    skew = hat(vector)
    return np.eye(3) + 2 * scalar[..., None] * skew + 2 * (skew @ skew)


def rotation_angle(rotations: Float[np.ndarray, "*batch 3 3"]) -> Float[np.ndarray, "*batch"]:
    """The angle of each rotation, radians in [0, pi]; no arccos, so it stays accurate for tiny angles."""
    return np.linalg.norm(rotation_log(rotations), axis=-1)


def geodesic_angle(
    first: Float[np.ndarray, "*batch 3 3"], second: Float[np.ndarray, "*batch 3 3"]
) -> Float[np.ndarray, "*batch"]:
    """The angle between two rotations, radians."""
    return rotation_angle(np.swapaxes(first, -1, -2) @ second)


def nearest_rotation(matrices: Float[np.ndarray, "*batch 3 3"]) -> Float[np.ndarray, "*batch 3 3"]:
    """The rotation closest to each matrix in Frobenius norm (SVD with the determinant fixed to +1)."""
    left, _, right = np.linalg.svd(np.asarray(matrices, dtype=np.float64))
    sign = np.linalg.det(left @ right)
    left = left.copy()
    left[..., :, 2] *= sign[..., None]
    return left @ right


def interpolate_rotations(
    first: Float[np.ndarray, "*batch 3 3"],
    second: Float[np.ndarray, "*batch 3 3"],
    fraction: Float[np.ndarray, "*batch"],
) -> Float[np.ndarray, "*batch 3 3"]:
    """Constant-speed rotation from ``first`` (fraction 0) to ``second`` (fraction 1)."""
    step = rotation_log(np.swapaxes(first, -1, -2) @ second)
    return first @ rotation_exp(np.asarray(fraction)[..., None] * step)
