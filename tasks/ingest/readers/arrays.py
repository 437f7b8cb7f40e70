"""NPZ files of sources, read without pickle and with their damage named."""

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tasks.vision.video import MediaError, MediaProblem


def load_arrays(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The arrays that must be in the file, by name, and any others.

    Raises:
        MediaError: the file is not an NPZ of plain arrays, or one is missing.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise MediaError(MediaProblem.CORRUPT, f"annotation {path.name} cannot be read") from error
    missing = [name for name in names if name not in arrays]
    if missing:
        raise MediaError(MediaProblem.CORRUPT, f"annotation {path.name} has no {', '.join(missing)}")
    return arrays
