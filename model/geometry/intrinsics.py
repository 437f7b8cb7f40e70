"""Pinhole intrinsics ``fx fy cx cy`` in pixels, pixel centres at integers: projection, resizing, field of view."""

import numpy as np
from jaxtyping import Bool, Float


def intrinsics_matrix(intrinsics: Float[np.ndarray, "*batch 4"]) -> Float[np.ndarray, "*batch 3 3"]:
    """The calibration matrix ``[[fx 0 cx] [0 fy cy] [0 0 1]]``."""
    intrinsics = np.asarray(intrinsics, dtype=np.float64)
    matrix = np.zeros((*intrinsics.shape[:-1], 3, 3))
    matrix[..., 0, 0], matrix[..., 1, 1] = intrinsics[..., 0], intrinsics[..., 1]
    matrix[..., 0, 2], matrix[..., 1, 2] = intrinsics[..., 2], intrinsics[..., 3]
    matrix[..., 2, 2] = 1.0
    return matrix


def resize_intrinsics(
    intrinsics: Float[np.ndarray, "*batch 4"], old_size: tuple[int, int], new_size: tuple[int, int]
) -> Float[np.ndarray, "*batch 4"]:
    """Intrinsics after an image is resized from ``old_size`` to ``new_size`` (height, width).

    Pixel centres at integers: ``u' = (u + 0.5) s - 0.5``, hence the half pixels on the principal point.
    """
    vertical, horizontal = new_size[0] / old_size[0], new_size[1] / old_size[1]
    scale = np.array([horizontal, vertical, horizontal, vertical])
    half = np.array([0.0, 0.0, 0.5, 0.5])
    return (np.asarray(intrinsics, dtype=np.float64) + half) * scale - half


def crop_intrinsics(intrinsics: Float[np.ndarray, "*batch 4"], top: int, left: int) -> Float[np.ndarray, "*batch 4"]:
    """Intrinsics after ``top`` rows and ``left`` columns are cut away."""
    return np.asarray(intrinsics, dtype=np.float64) - np.array([0.0, 0.0, left, top])


def field_of_view(
    intrinsics: Float[np.ndarray, "*batch 4"], height: int, width: int
) -> tuple[Float[np.ndarray, "*batch"], Float[np.ndarray, "*batch"]]:
    """Horizontal and vertical field of view in degrees (App. B.3): ``2 atan(W / 2 fx)``, ``2 atan(H / 2 fy)``."""
    intrinsics = np.asarray(intrinsics, dtype=np.float64)
    horizontal = 2 * np.degrees(np.arctan2(width, 2 * intrinsics[..., 0]))
    return horizontal, 2 * np.degrees(np.arctan2(height, 2 * intrinsics[..., 1]))


def focal_mismatch(intrinsics: Float[np.ndarray, "*batch 4"]) -> Float[np.ndarray, "*batch"]:
    """Symmetric normalized focal mismatch (App. B.3): ``|fx - fy| / ((fx + fy) / 2)``."""
    horizontal, vertical = np.asarray(intrinsics)[..., 0], np.asarray(intrinsics)[..., 1]
    return np.abs(horizontal - vertical) / ((horizontal + vertical) / 2)


def project(
    points: Float[np.ndarray, "*batch 3"], intrinsics: Float[np.ndarray, "*#batch 4"]
) -> Float[np.ndarray, "*batch 2"]:
    """Pixels of points in camera coordinates; depth must be positive (see ``in_view``)."""
    intrinsics = np.asarray(intrinsics, dtype=np.float64)
    return points[..., :2] / points[..., 2:] * intrinsics[..., :2] + intrinsics[..., 2:]


def unproject(
    pixels: Float[np.ndarray, "*batch 2"],
    depth: Float[np.ndarray, "*batch"],
    intrinsics: Float[np.ndarray, "*#batch 4"],
) -> Float[np.ndarray, "*batch 3"]:
    """Camera coordinates of pixels at ``depth`` (along z, not along the ray)."""
    intrinsics = np.asarray(intrinsics, dtype=np.float64)
    plane = (np.asarray(pixels, dtype=np.float64) - intrinsics[..., 2:]) / intrinsics[..., :2]
    return np.concatenate([plane, np.ones_like(plane[..., :1])], axis=-1) * np.asarray(depth)[..., None]


def in_view(
    pixels: Float[np.ndarray, "*batch 2"], depth: Float[np.ndarray, "*batch"], height: int, width: int
) -> Bool[np.ndarray, "*batch"]:
    """Which projected points lie in front of the camera and inside the image."""
    inside = (pixels[..., 0] >= -0.5) & (pixels[..., 0] < width - 0.5)
    inside &= (pixels[..., 1] >= -0.5) & (pixels[..., 1] < height - 0.5)
    return inside & (depth > 0)
