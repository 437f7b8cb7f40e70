"""The one error of everything that reads weights."""

from pathlib import Path

from data_contracts.errors import ErrorCode, InputError


def invalid_weights(path: Path, message: str) -> InputError:
    """An error about a weights file, to be raised."""
    return InputError(
        ErrorCode.WEIGHTS_INVALID,
        f"{path.name}: {message}",
        "check the file with `wm weights verify`, or train or download it again",
    )
