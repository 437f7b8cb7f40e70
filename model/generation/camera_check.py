"""Refusing camera paths and intrinsics that no video can follow; every message names the frame and the value."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from data_contracts.errors import ErrorCode, InputError
from model.generation.frame_count import MAX_RAW_FRAMES, STRIDE
from model.geometry.intrinsics import field_of_view

FOV_RANGE = (25.0, 120.0)
ORTHONORMAL = 1e-3
"""Largest entry of R R^T - I: poses that went through bfloat16 pass, scaled or sheared ones do not."""
LAST_ROW = 1e-6
FIX = "send OpenCV camera-to-world matrices in meters and fx fy cx cy in pixels of the image"


def check_path(path: Float[ndarray, "..."]) -> None:
    """A path is ``(8k+1, 4, 4)``, finite, and rigid at every frame.

    Raises:
        InputError: naming the shape, the count, or the first bad frame with its value and what is allowed.
    """
    if path.ndim != 3 or path.shape[1:] != (4, 4):
        raise camera_error(f"camera_to_world has shape {path.shape}, must be (frames, 4, 4)")
    if not 9 <= len(path) <= MAX_RAW_FRAMES or (len(path) - 1) % STRIDE:
        nearest = min(max((len(path) - 1) // STRIDE, 1) * STRIDE + 1, MAX_RAW_FRAMES)
        raise camera_error(
            f"camera_to_world has {len(path)} frames, must be 8k+1 and 9 to {MAX_RAW_FRAMES}",
            f"cut the path to {nearest} frames or repeat its last pose",
        )
    finite = np.isfinite(path).reshape(len(path), -1)
    if (frame := _first_bad(finite.all(axis=1))) is not None:
        row, column = divmod(int(np.argmin(finite[frame])), 4)
        raise camera_error(
            f"camera_to_world: frame {frame} is not finite: [{row},{column}] is {path[frame, row, column]}"
        )
    _check_rigid(path)


def check_intrinsics(intrinsics: Float[ndarray, "..."], frames: int, size: tuple[int, int]) -> None:
    """One row a frame, finite, positive focal lengths, both fields of view within 25 to 120 degrees (App. B.3).

    Args:
        intrinsics: ``fx fy cx cy`` in pixels of an image of ``size``.
        frames: of the path.
        size: height and width of that image.

    Raises:
        InputError: naming the shape, or the first bad frame with its value and what is allowed.
    """
    if intrinsics.shape != (frames, 4):
        raise camera_error(f"intrinsics have shape {intrinsics.shape}, must be ({frames}, 4)")
    good = np.isfinite(intrinsics).all(axis=1) & (intrinsics[:, :2] > 0).all(axis=1)
    if (frame := _first_bad(good)) is not None:
        values = ", ".join(f"{value:g}" for value in intrinsics[frame])
        raise camera_error(f"intrinsics: frame {frame} is ({values}); must be finite with positive focal lengths")
    for axis, views in zip(("horizontal", "vertical"), field_of_view(intrinsics, *size), strict=True):
        if (frame := _first_bad((views >= FOV_RANGE[0]) & (views <= FOV_RANGE[1]))) is not None:
            raise camera_error(
                f"intrinsics: frame {frame} has a {axis} field of view of {views[frame]:.1f} degrees at image size "
                f"{size[1]}x{size[0]}, allowed are {FOV_RANGE[0]:.0f} to {FOV_RANGE[1]:.0f}",
                "give the focal lengths in pixels of the image as it is passed, not of another size",
            )


def camera_error(message: str, fix: str = FIX) -> InputError:
    """The coded error of this module."""
    return InputError(ErrorCode.CAMERA_INVALID, message, fix)


def _check_rigid(path: Float[ndarray, "frames 4 4"]) -> None:
    rotations = path[:, :3, :3]
    deviation = np.abs(rotations @ np.swapaxes(rotations, 1, 2) - np.eye(3)).max(axis=(1, 2))
    faults = (
        (deviation < ORTHONORMAL, deviation, f"max |R R^T - I| is {{:.3g}}, must be below {ORTHONORMAL:g}"),
        (np.linalg.det(rotations) > 0, np.linalg.det(rotations), "det R is {:.3g}, must be 1: no mirroring"),
        (*_last_row(path), f"its last row is off 0 0 0 1 by {{:.3g}}, must be below {LAST_ROW:g}"),
    )
    for good, values, what in faults:
        if (frame := _first_bad(good)) is not None:
            raise camera_error(f"camera_to_world: frame {frame} is not a rigid motion: {what.format(values[frame])}")


def _last_row(path: Float[ndarray, "frames 4 4"]) -> tuple[Bool[ndarray, " frames"], Float[ndarray, " frames"]]:
    off = np.abs(path[:, 3] - np.array([0.0, 0.0, 0.0, 1.0])).max(axis=1)
    return off < LAST_ROW, off


def _first_bad(good: np.bool_ | Bool[ndarray, " frames"]) -> int | None:
    return None if good.all() else int(np.argmin(good))
