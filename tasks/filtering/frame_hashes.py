"""The perceptual hash of every frame of a clip, on disk: compared with any benchmark without measuring anew."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from safetensors.numpy import load_file, save_file

FOLDER = "frame_hashes"


def hash_file(directory: Path, clip_id: str) -> Path:
    """Where a clip's hashes lie, in the artifact or in the result of the clip's job."""
    return directory / FOLDER / f"{clip_id}.safetensors"


def write_frame_hashes(directory: Path, clip_id: str, hashes: UInt8[np.ndarray, "frames bytes"]) -> None:
    """Store one row a frame."""
    path = hash_file(directory, clip_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"hashes": hashes}, path)


def read_frame_hashes(path: Path) -> UInt8[np.ndarray, "frames bytes"]:
    """One row a frame, zeros where the frame is too flat to have a hash."""
    return load_file(path)["hashes"]
