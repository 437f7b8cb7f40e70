"""How many frames a video has: 8k+1 (24k+1 as published when streaming), and paths brought to such a count."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from data_contracts.errors import ErrorCode, InputError

MAX_RAW_FRAMES = 961
STRIDE = 8


def snap_raw_frames(raw_frames: int, stride: int) -> int:
    """The nearest count of the form ``stride * k + 1``; a tie goes up."""
    return max(1, int(np.floor((raw_frames - 1) / stride + 0.5))) * stride + 1


def hold_to_stride(path: Float[ndarray, "poses 4 4"]) -> Float[ndarray, "frames 4 4"]:
    """Repeat the last pose until there are 8k+1, at least 9."""
    frames = max(-(-(len(path) - 1) // STRIDE), 1) * STRIDE + 1
    return np.concatenate([path, np.repeat(path[-1:], frames - len(path), axis=0)])


def cut_to_count(path: Float[ndarray, "poses 4 4"], raw_frames: int, stride: int) -> Float[ndarray, "frames 4 4"]:
    """The beginning of a path: ``raw_frames`` snapped to ``stride k + 1``, at most what the path has.

    Raises:
        InputError: the path is shorter than ``stride + 1`` frames.
    """
    longest = (len(path) - 1) // stride * stride + 1
    if longest < stride + 1:
        raise InputError(
            ErrorCode.CAMERA_INVALID,
            f"--frames {raw_frames}: the camera path has {len(path)} poses, this mode needs at least {stride + 1}",
            "give a longer path, or leave --frames out",
        )
    return path[: min(snap_raw_frames(raw_frames, stride), longest)]
