"""Sparse sensor depth beside media of any source: ``<name>.sensor_depth.npz`` (``docs/sources.md``)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64

from tasks.ingest.readers.arrays import load_arrays

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


def read_sensor_depth(path: Path) -> SensorDepth:
    """Read the file.

    Raises:
        MediaError: it is not such a file.
    """
    arrays = load_arrays(path, ("frames", "depth"))
    return SensorDepth(arrays["frames"].astype(np.int64), arrays["depth"].astype(np.float32) / MILLIMETRES)
