"""Camera files of one clip: ``camera_to_world`` and ``intrinsics`` in safetensors, as ``docs/artifacts.md`` says."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from data_contracts.errors import ErrorCode, OperationError


@dataclass(frozen=True)
class ClipCameras:
    """Cameras of every raw frame.

    Attributes:
        camera_to_world: OpenCV axes, metres, relative to frame 0.
        intrinsics: fx fy cx cy in pixels of the stored clip.
    """

    camera_to_world: Float64[np.ndarray, "frames 4 4"]
    intrinsics: Float64[np.ndarray, "frames 4"]


def read_cameras(path: Path, raw_frames: int) -> ClipCameras:
    """Read the cameras of a clip of ``raw_frames`` frames.

    Raises:
        OperationError: the file is missing or broken, or its row count or values cannot belong to the clip.
    """
    try:
        tensors = load_file(path)
        cameras = ClipCameras(tensors["camera_to_world"].astype(np.float64), tensors["intrinsics"].astype(np.float64))
    except (OSError, SafetensorError, KeyError) as error:
        raise _corrupt(path, str(error)) from error
    shapes = (cameras.camera_to_world.shape, cameras.intrinsics.shape)
    if shapes != ((raw_frames, 4, 4), (raw_frames, 4)):
        raise _corrupt(path, f"shapes {shapes} for {raw_frames} frames")
    if not (np.isfinite(cameras.camera_to_world).all() and np.isfinite(cameras.intrinsics).all()):
        raise _corrupt(path, "values that are not finite")
    return cameras


def write_cameras(path: Path, cameras: ClipCameras) -> None:
    """Write the cameras of a clip."""
    save_file(
        {
            "camera_to_world": np.ascontiguousarray(cameras.camera_to_world, dtype=np.float64),
            "intrinsics": np.ascontiguousarray(cameras.intrinsics, dtype=np.float64),
        },
        path,
    )


def _corrupt(path: Path, why: str) -> OperationError:
    return OperationError(
        ErrorCode.ARTIFACT_CORRUPT, f"cameras {path.name} cannot be used: {why}", "run the pose stage again"
    )
