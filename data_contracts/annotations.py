"""What a source ships beside the pixels of one clip, resampled to the clip's frames and its stored size.

Cameras are OpenCV camera-to-world in the source's own scale; intrinsics are ``fx fy cx cy`` in pixels of the stored
clip, pixel centres at integers. Frame indices count the stored clip's frames.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int64
from safetensors.numpy import load_file, save


@dataclass(frozen=True)
class SourceAnnotations:
    """One ``annotations/<clip_id>.safetensors``; a field is None where the source ships none.

    Attributes:
        camera_to_world: float64, one pose a frame, units of the source; NaN rows are kept, the screen rejects them.
            None as well where the source's rows cannot be matched to frames (``pose_rows`` differs).
        intrinsics: float64, one row a frame.
        depth: float32 z-depth in units of the source at the stored size, 0 = none, for ``depth_frames``.
        depth_frames: the frames ``depth`` belongs to.
        sensor_depth: float32 z-depth in metres, 0 = none, for ``sensor_depth_frames``. Value (i, j) of an h x w map
            is that of the ray through pixel x = (j + 0.5) W / w - 0.5, y = (i + 0.5) H / h - 0.5.
        sensor_depth_frames: the frames ``sensor_depth`` belongs to.
        pose_rows: pose rows the source ships for the media, -1 where it ships none.
        native_frames: frames of the source's media.
        nonfinite_pose_rows: how many of the source's pose rows hold a NaN or an infinity.
        nonfinite_first_row: the first of them, a native frame; -1 = none.
    """

    camera_to_world: Float[np.ndarray, "frames 4 4"] | None = None
    intrinsics: Float[np.ndarray, "frames 4"] | None = None
    depth: Float[np.ndarray, "depth_frames height width"] | None = None
    depth_frames: Int64[np.ndarray, " depth_frames"] | None = None
    sensor_depth: Float[np.ndarray, "sensor_frames sensor_height sensor_width"] | None = None
    sensor_depth_frames: Int64[np.ndarray, " sensor_frames"] | None = None
    pose_rows: int = -1
    native_frames: int = 0
    nonfinite_pose_rows: int = 0
    nonfinite_first_row: int = -1

    @property
    def is_empty(self) -> bool:
        """The source ships nothing beside the pixels."""
        arrays = (self.camera_to_world, self.intrinsics, self.depth, self.sensor_depth)
        return self.pose_rows < 0 and all(array is None for array in arrays)


def write_annotations(path: Path, annotations: SourceAnnotations) -> None:
    """Write the fields that are there; the same values give the same bytes."""
    values = {field.name: getattr(annotations, field.name) for field in fields(annotations)}
    tensors = {
        name: np.array([value], dtype=np.int64) if isinstance(value, int) else np.ascontiguousarray(value)
        for name, value in values.items()
        if value is not None
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(save(tensors))


def read_annotations(path: Path) -> SourceAnnotations:
    """Read a file of ``write_annotations``.

    Raises:
        TypeError: the file holds a field this version does not know.
    """
    tensors = load_file(path)
    scalars = {field.name for field in fields(SourceAnnotations) if field.type is int}
    values: dict[str, Any] = {name: int(value[0]) if name in scalars else value for name, value in tensors.items()}
    return SourceAnnotations(**values)
