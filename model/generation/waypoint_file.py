"""A YAML of waypoints, turned into a smooth walk."""

from pathlib import Path

import numpy as np
import yaml
from jaxtyping import Float
from numpy import ndarray
from pydantic import Field, ValidationError

from data_contracts.base import Record
from data_contracts.errors import ErrorCode, InputError
from model.generation.frame_count import hold_to_stride
from model.geometry.waypoints import PathLimits, Waypoint, camera_path

SHAPE = "write `seconds: 10` and `waypoints:` with at least two `- {position: [x, y, z], yaw: 0, pitch: 0}`"


class WaypointEntry(Record):
    """One waypoint: metres (x right, y down, z forward) and degrees (yaw right, pitch up)."""

    position: tuple[float, float, float]
    yaw: float = 0.0
    pitch: float = 0.0


class WaypointFile(Record):
    """``waypoints.yaml``: at least two waypoints, and how long the walk takes."""

    seconds: float = Field(gt=0, le=60)
    waypoints: list[WaypointEntry] = Field(min_length=2, max_length=1000)


def read_waypoint_file(path: Path) -> Float[ndarray, "frames 4 4"]:
    """The smooth walk through the waypoints of a YAML file.

    Raises:
        InputError: not such a file.
    """
    try:
        walk = WaypointFile.model_validate(yaml.safe_load(path.read_text()))
    except ValidationError as error:
        first = error.errors()[0]
        raise _invalid(path, f"field {'.'.join(map(str, first['loc'])) or 'file'}: {first['msg']}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _invalid(path, str(error).splitlines()[0]) from None
    limits = PathLimits()
    frames = max(2, round(walk.seconds * limits.fps) + 1)
    keys = [Waypoint(entry.position, entry.yaw, entry.pitch) for entry in walk.waypoints]
    walked: Float[ndarray, "poses 4 4"] = camera_path(keys, frames, limits)
    if not np.isfinite(walked).all():
        raise _invalid(path, "its positions do not give a finite path")
    return hold_to_stride(walked)


def _invalid(path: Path, why: str) -> InputError:
    return InputError(ErrorCode.CAMERA_INVALID, f"--waypoints {path}: {why}", SHAPE)
