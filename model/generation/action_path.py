"""Camera paths people ask for by words: the action language, and a plain walk."""

from dataclasses import dataclass

from jaxtyping import Float
from numpy import ndarray

from data_contracts.errors import ErrorCode, InputError
from model.camera.actions import ActionSettings, action_to_camera, key_map, parse_action
from model.generation.frame_count import MAX_RAW_FRAMES, hold_to_stride


@dataclass(frozen=True)
class ActionPath:
    """What an action says, frame by frame.

    Attributes:
        camera_to_world: one pose more than the action has frames, held at its end until the count is 8k+1.
        held: the keys that led to each pose; nothing at the first one and after the end.
        key_map: version of the key map.
    """

    camera_to_world: Float[ndarray, "frames 4 4"]
    held: list[frozenset[str]]
    key_map: int


def read_action(action: str, version: int = 2, settings: ActionSettings = ActionSettings()) -> ActionPath:  # noqa: B008 - frozen
    """The path of an action under a version of the key map, and the keys behind it.

    Raises:
        InputError: the action cannot be read, is longer than a minute, or there is no such key map.
    """
    try:
        keys = key_map(version)
        pressed = parse_action(action, keys, MAX_RAW_FRAMES - 1)
        path = hold_to_stride(action_to_camera(action, settings, keys))
    except ValueError as error:
        raise InputError(
            ErrorCode.CAMERA_INVALID,
            f"action is {action[:60]!r}: {error}",
            "write keys-frames joined by commas, such as w-40,d-20; none-10 holds still",
        ) from None
    nothing: list[frozenset[str]] = [frozenset()]
    return ActionPath(path, nothing + pressed + nothing * (len(path) - len(pressed) - 1), version)


def action_camera_path(action: str) -> Float[ndarray, "frames 4 4"]:
    """The path of an action under the current key map.

    Raises:
        InputError: the action cannot be read, or is longer than a minute.
    """
    return read_action(action).camera_to_world


def walk_forward(raw_frames: int) -> Float[ndarray, "frames 4 4"]:
    """A walk straight ahead of ``raw_frames`` frames: what is made when nobody says where to go."""
    return action_to_camera(f"w-{raw_frames - 1}")
