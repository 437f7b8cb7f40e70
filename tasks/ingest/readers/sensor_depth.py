"""Sparse sensor depth beside media of any source: ``<name>.sensor_depth.npz`` (``docs/sources.md``)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64

from data_contracts.plausible import SENSOR_DEPTH
from tasks.ingest.readers.arrays import check_kind, check_shape, load_arrays
from tasks.ingest.readers.plausibility import Place, check_value

SUFFIX = ".sensor_depth.npz"
MILLIMETRES = 1000.0


@dataclass(frozen=True)
class SensorDepth:
    """Depth maps in metres, 0 = none, each with the native frame it was taken with."""

    frames: Int64[np.ndarray, " frames"]
    depth: Float32[np.ndarray, "frames cells_y cells_x"]


def beside(stem: Path) -> Path | None:
    """The sensor depth of media ``stem`` (a path without its suffix, or a folder), None where there is none."""
    path = stem.with_name(stem.name + SUFFIX)
    return path if path.is_file() else None


def read_sensor_depth(path: Path, file: str) -> SensorDepth:
    """Read the file, called ``file`` in messages.

    Raises:
        SourceFaultError: it is not such a file, or its depth is in another unit.
    """
    arrays = load_arrays(path, file, ("frames", "depth"))
    frames, depth = arrays["frames"], arrays["depth"]
    check_kind(frames, "iu", file, "frames", "write native frame numbers as int64")
    check_kind(depth, "iu", file, "depth", "write depth in millimetres as uint16, 0 = none")
    check_shape(depth, (None, None, None), file, "depth")
    check_shape(frames, (len(depth),), file, "frames")
    metres = depth.astype(np.float32) / np.float32(MILLIMETRES)
    seen = metres[metres > 0]
    if seen.size:
        check_value(float(np.median(seen)), SENSOR_DEPTH, Place(file, "depth"))
    return SensorDepth(frames.astype(np.int64), metres)
