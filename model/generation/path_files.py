"""Camera paths from files: a NumPy array of poses, a SANA-WM-Bench export, intrinsics in any usual shape."""

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from data_contracts.errors import ErrorCode, InputError
from model.generation.frame_count import hold_to_stride
from model.generation.waypoint_file import read_waypoint_file

__all__ = ["CameraFile", "read_camera", "read_camera_file", "read_intrinsics_file", "read_waypoint_file"]

BENCH_KEYS = ("c2w", "intrinsics", "fps", "num_frames")


@dataclass(frozen=True)
class CameraFile:
    """What a camera file says.

    Attributes:
        camera_to_world: OpenCV axes, meters, any world frame; held at its end until the count is 8k+1.
        intrinsics: ``fx fy cx cy`` in pixels of the source image; None where the file has none.
        fps: rate the path was made for; None where the file does not say.
    """

    camera_to_world: Float[ndarray, "frames 4 4"]
    intrinsics: Float[ndarray, "frames 4"] | None
    fps: float | None


def read_camera(path: Path) -> CameraFile:
    """A ``.npy`` of poses ``(F, 4, 4)``, or a SANA-WM-Bench ``.npz``: ``c2w``, ``intrinsics``, ``fps``, ``num_frames``.

    Raises:
        InputError: neither.
    """
    if path.suffix.lower() != ".npz":
        return CameraFile(_poses(_array(path, "--camera"), path), None, None)
    arrays = _bench_arrays(path)
    poses, lenses = arrays["c2w"], arrays.get("intrinsics")
    count = int(_scalar(arrays, "num_frames", len(poses) if poses.ndim else 0, path))
    if not 2 <= count <= len(poses):
        raise _invalid("--camera", path, f"num_frames is {count}, c2w has {len(poses)} poses; must be 2 to that")
    held = _poses(poses[:count], path)
    rows = (
        None if lenses is None else _rows(lenses if lenses.ndim < 2 else lenses[:count], len(held), ("--camera", path))
    )
    return CameraFile(held, rows, _scalar(arrays, "fps", 0.0, path) or None)


def read_camera_file(path: Path) -> Float[ndarray, "frames 4 4"]:
    """The poses of ``read_camera``.

    Raises:
        InputError: not such a file.
    """
    return read_camera(path).camera_to_world


def read_intrinsics_file(path: Path, frames: int) -> Float[ndarray, "frames 4"]:
    """``fx fy cx cy`` for every frame, from (4,), (F, 4), (3, 3) or (F, 3, 3); the last row is held as the poses are.

    Rows beyond ``frames`` are those of poses that are not used.

    Raises:
        InputError: not such an array.
    """
    return _rows(_array(path, "--intrinsics"), frames, ("--intrinsics", path))


def _poses(poses: Float[ndarray, "..."], path: Path) -> Float[ndarray, "frames 4 4"]:
    if poses.ndim != 3 or poses.shape[1:] != (4, 4) or len(poses) < 2:
        raise _invalid("--camera", path, f"has shape {poses.shape}, must be (frames, 4, 4) with at least 2 frames")
    return hold_to_stride(poses)


def _rows(values: Float[ndarray, "..."], frames: int, source: tuple[str, Path]) -> Float[ndarray, "frames 4"]:
    shape = values.shape
    if shape[-2:] == (3, 3) and values.ndim <= 3:
        values = values[..., [0, 1, 0, 1], [0, 1, 2, 2]]
    if values.shape == (4,):
        values = values[None]
    if values.ndim != 2 or values.shape[1] != 4 or not len(values):
        raise _invalid(*source, f"intrinsics have shape {shape}, must be (4,), (F, 4), (3, 3) or (F, 3, 3)")
    return np.concatenate([values[:frames], np.repeat(values[-1:], max(frames - len(values), 0), axis=0)])


def _bench_arrays(path: Path) -> dict[str, Float[ndarray, "..."]]:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {name: np.asarray(archive[name], dtype=np.float64) for name in BENCH_KEYS if name in archive.files}
            names = ", ".join(archive.files)
    except (OSError, ValueError, TypeError, EOFError, AttributeError, BadZipFile) as error:
        raise _invalid("--camera", path, _first_line(error)) from None
    if "c2w" not in arrays:
        raise _invalid("--camera", path, f"has no c2w among its arrays ({names[:80]})")
    return arrays


def _scalar(arrays: dict[str, Float[ndarray, "..."]], name: str, otherwise: float, path: Path) -> float:
    if name not in arrays:
        return otherwise
    if arrays[name].size != 1 or not np.isfinite(arrays[name]).all() or arrays[name].item() < 0:
        raise _invalid("--camera", path, f"{name} must be one number that is not negative")
    return float(arrays[name].item())


def _array(path: Path, option: str) -> Float[ndarray, "..."]:
    try:
        values = np.load(path, allow_pickle=False)
        return np.asarray(values, dtype=np.float64)
    except (OSError, ValueError, TypeError, EOFError, BadZipFile) as error:
        raise _invalid(option, path, _first_line(error)) from None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else "cannot be read"


def _invalid(option: str, path: Path, why: str) -> InputError:
    return InputError(
        ErrorCode.CAMERA_INVALID,
        f"{option} {path}: {why}",
        "docs/generate.md has the formats of camera files",
    )
