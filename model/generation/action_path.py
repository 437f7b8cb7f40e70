"""Camera paths people ask for by words: the action language, and a plain walk."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from data_contracts.errors import ErrorCode, InputError
from model.camera.actions import action_to_camera
from model.generation.request import MAX_RAW_FRAMES, STRIDE


def action_camera_path(action: str) -> Float[ndarray, "frames 4 4"]:
    """The path of an action, held at its end until the count is 8k+1.

    Raises:
        InputError: the action cannot be read, or is longer than a minute.
    """
    try:
        _check_length(action)
        path = action_to_camera(action)
    except ValueError as error:
        raise InputError(
            ErrorCode.CAMERA_INVALID, f"action is {action[:60]!r}: {error}", "write keys-frames, such as w-40,d-20"
        ) from None
    return hold_to_stride(path)


def walk_forward(raw_frames: int) -> Float[ndarray, "frames 4 4"]:
    """A walk straight ahead of ``raw_frames`` frames: what is made when nobody says where to go."""
    return action_to_camera(f"w-{raw_frames - 1}")


def hold_to_stride(path: Float[ndarray, "poses 4 4"]) -> Float[ndarray, "frames 4 4"]:
    """Repeat the last pose until there are 8k+1, at least 9."""
    frames = max(-(-(len(path) - 1) // STRIDE), 1) * STRIDE + 1
    return np.concatenate([path, np.repeat(path[-1:], frames - len(path), axis=0)])


def _check_length(action: str) -> None:
    """Count before anything is laid out per frame: a client may write ``w-999999999``."""
    counts = (segment.strip().rpartition("-")[2] for segment in action.replace("\N{FULLWIDTH COMMA}", ",").split(","))
    frames = sum(int(count) for count in counts if count.isdecimal())
    if frames >= MAX_RAW_FRAMES:
        raise ValueError(f"asks for {frames} frames, at most {MAX_RAW_FRAMES - 1} are made")
