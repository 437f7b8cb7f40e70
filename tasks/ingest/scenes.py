"""Gaussian scenes in the artifact: the PLY itself and its training cameras."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from tasks.ingest.identity import ID_LENGTH
from tasks.ingest.item import GaussianScene, SourceItem
from tasks.ingest.readers.dl3dv_gs import Dl3dvReader
from tasks.ingest.readers.sensor_depth import read_sensor_depth
from tasks.vision.video import MediaError, MediaProblem

PROPERTY_BYTES = {"char": 1, "uchar": 1, "short": 2, "ushort": 2, "int": 4, "uint": 4, "float": 4, "double": 8}


def store_scene(item: SourceItem, media_digest: str, directory: Path) -> dict[str, Any]:  # fields of ClipRow
    """Write ``scenes/<id>.ply`` and ``scenes/<id>.safetensors``.

    The latter holds ``camera_to_world`` (N 4 4, float64, OpenCV, the PLY's world and scale), ``intrinsics`` (N 4) in
    pixels of ``size`` (height, width), and where the source ships it ``sensor_depth`` (metres, 0 = none) with the
    training cameras it belongs to, ``sensor_depth_frames``.

    Raises:
        MediaError: the PLY is cut off or is none.
        SourceFaultError: the cameras or the sensor depth cannot be read.
    """
    if not isinstance(item.media, GaussianScene):
        raise TypeError("only a Gaussian scene is stored as one")
    check_ply(item.media.ply)
    training = Dl3dvReader().training_cameras(item)
    tensors = {
        "camera_to_world": training.cameras.camera_to_world,
        "intrinsics": training.cameras.intrinsics,
        "size": np.array([training.height, training.width], dtype=np.int64),
    }
    if item.sensor_depth is not None:
        sensor = read_sensor_depth(item.sensor_depth, item.name_of(item.sensor_depth))
        tensors |= {"sensor_depth": sensor.depth, "sensor_depth_frames": sensor.frames}
    name = media_digest[:ID_LENGTH]
    folder = directory / "scenes"
    folder.mkdir()
    shutil.copyfile(item.media.ply, folder / f"{name}.ply")
    (folder / f"{name}.safetensors").write_bytes(
        save({key: np.ascontiguousarray(value) for key, value in tensors.items() if value is not None})
    )
    return {"clip_id": name, "media_digest": media_digest, "height": training.height, "width": training.width}


def check_ply(path: Path) -> None:
    """A binary little-endian PLY with as many bytes as its header announces.

    Raises:
        MediaError: it is something else.
    """
    size = path.stat().st_size
    if size == 0:
        raise MediaError(MediaProblem.EMPTY, "0 bytes")
    with path.open("rb") as stream:
        head = stream.read(1 << 16)
    end = head.find(b"end_header\n")
    if not head.startswith(b"ply\n") or end < 0:
        raise MediaError(MediaProblem.CORRUPT, "not a PLY file")
    lines = head[:end].decode("ascii", "replace").split("\n")
    expected = end + len(b"end_header\n") + _body_bytes(lines)
    if size < expected:
        raise MediaError(MediaProblem.TRUNCATED, f"{size} of {expected} bytes")


def _body_bytes(lines: list[str]) -> int:
    total, count = 0, 0
    for line in lines:
        match line.split():
            case ["element", _, number] if number.isdigit():
                count = int(number)
            case ["property", kind, _] if kind in PROPERTY_BYTES:
                total += count * PROPERTY_BYTES[kind]
            case ["property", *_]:
                raise MediaError(MediaProblem.CORRUPT, f"the header's {line!r} is not a plain property")
            case ["format", kind, _] if kind != "binary_little_endian":
                raise MediaError(MediaProblem.CORRUPT, f"format {kind}, expected binary_little_endian")
    return total
