"""Camera paths from files: a NumPy array of poses, intrinsics in any usual shape, a YAML of waypoints."""

from pathlib import Path

import numpy as np
import yaml
from jaxtyping import Float
from numpy import ndarray
from pydantic import Field, ValidationError

from data_contracts.base import Record
from data_contracts.errors import ErrorCode, InputError
from model.generation.action_path import hold_to_stride
from model.geometry.waypoints import PathLimits, Waypoint, camera_path


class WaypointEntry(Record):
    """One waypoint: metres (x right, y down, z forward) and degrees (yaw right, pitch up)."""

    position: tuple[float, float, float]
    yaw: float = 0.0
    pitch: float = 0.0


class WaypointFile(Record):
    """``waypoints.yaml``: at least two waypoints, and how long the walk takes."""

    seconds: float = Field(gt=0, le=60)
    waypoints: list[WaypointEntry] = Field(min_length=2, max_length=1000)


def read_camera_file(path: Path) -> Float[ndarray, "frames 4 4"]:
    """Poses (F, 4, 4), camera-to-world; held at the end until the count is 8k+1.

    Raises:
        InputError: not such an array.
    """
    poses = _array(path, "--camera")
    if poses.ndim != 3 or poses.shape[1:] != (4, 4) or len(poses) < 2:
        raise _invalid("--camera", path, f"has shape {poses.shape}, must be (frames, 4, 4)")
    return hold_to_stride(poses)


def read_intrinsics_file(path: Path, frames: int) -> Float[ndarray, "frames 4"]:
    """``fx fy cx cy`` for every frame, from (4,), (F, 4), (3, 3) or (F, 3, 3); the last row is held as the poses are.

    Raises:
        InputError: not such an array.
    """
    values = _array(path, "--intrinsics")
    if values.shape[-2:] == (3, 3) and values.ndim <= 3:
        values = values[..., [0, 1, 0, 1], [0, 1, 2, 2]]
    if values.ndim == 1 and values.shape == (4,):
        values = np.tile(values, (frames, 1))
    if values.ndim != 2 or values.shape[1] != 4 or not 1 <= len(values) <= frames:
        raise _invalid("--intrinsics", path, f"cannot be fx fy cx cy of {frames} frames: shape {values.shape}")
    return np.concatenate([values, np.repeat(values[-1:], frames - len(values), axis=0)])


def read_waypoint_file(path: Path) -> Float[ndarray, "frames 4 4"]:
    """The smooth walk through the waypoints of a YAML file.

    Raises:
        InputError: not such a file.
    """
    try:
        walk = WaypointFile.model_validate(yaml.safe_load(path.read_text()))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        raise _invalid("--waypoints", path, str(error).splitlines()[0]) from None
    limits = PathLimits()
    frames = max(2, round(walk.seconds * limits.fps) + 1)
    keys = [Waypoint(entry.position, entry.yaw, entry.pitch) for entry in walk.waypoints]
    return hold_to_stride(camera_path(keys, frames, limits))


def _array(path: Path, option: str) -> Float[ndarray, "..."]:
    try:
        values = np.load(path, allow_pickle=False)
        return np.asarray(values, dtype=np.float64)
    except (OSError, ValueError, TypeError, EOFError) as error:
        raise _invalid(option, path, str(error).splitlines()[0] if str(error) else "cannot be read") from None


def _invalid(option: str, path: Path, why: str) -> InputError:
    return InputError(ErrorCode.CAMERA_INVALID, f"{option} {path}: {why}", "see `wm generate --help` for the formats")
