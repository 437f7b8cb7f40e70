"""Write one archive: the same clips give the same bytes, and reading them back gives the same clips."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from data_contracts.errors import ErrorCode, InputError
from tasks.latents.training_layout.layout import (
    CAMERA,
    CAPTION,
    METRIC_SCALE,
    SCORES,
    Payload,
    TrainingClip,
    beside,
)

EPOCH = (1980, 1, 1, 0, 0, 0)  # no clock in the bytes


def write_archive(raw: Path, cache: Path, stem: str, clips: Sequence[TrainingClip]) -> Path:
    """Write ``stem`` into the two directories, each file whole or not at all, the raw zip last.

    Returns:
        The raw zip.

    Raises:
        InputError: two clips share a key.
    """
    keys = [clip.key for clip in clips]
    if len(set(keys)) != len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InputError(
            ErrorCode.REQUEST_INVALID, f"key is {twice!r} for two clips", "give each clip a key of its own"
        )
    raw.mkdir(parents=True, exist_ok=True)
    cache.mkdir(parents=True, exist_ok=True)
    target = raw / f"{stem}.zip"
    _commit(cache / target.name, _zipped({f"{clip.key}.npz": _npz({"z": clip.latent}) for clip in clips}))
    _commit(beside(target, CAMERA), _npz(_cameras(clips)))
    _write_entries(beside(target, METRIC_SCALE), {clip.key: clip.metric_scale for clip in clips})
    _write_entries(beside(target, CAPTION), {clip.key: clip.caption for clip in clips})
    for kind, file in SCORES.items():
        _write_entries(beside(target, file.suffix), {clip.key: clip.scores.get(kind) for clip in clips})
    _commit(target, _zipped({f"{clip.key}.json": _json(clip.metadata) for clip in clips}))
    return target


def _cameras(clips: Sequence[TrainingClip]) -> dict[str, np.ndarray]:
    counts = np.array([len(clip.camera_to_world) for clip in clips], dtype=np.int64)
    starts = np.cumsum(counts) - counts
    return {
        "ids": np.array([clip.key for clip in clips]),
        "ranges": np.stack([starts, counts], axis=1),
        "pose": np.concatenate([clip.camera_to_world for clip in clips]),
        "intrinsics": np.concatenate([clip.intrinsics for clip in clips]),
    }


def _write_entries(path: Path, entries: Mapping[str, Payload]) -> None:
    """A file of entries by key; keys without one are absent, and so is a file without any."""
    present = {key: entry for key, entry in entries.items() if entry is not None}
    if present:
        _commit(path, _json(present))
    else:
        path.unlink(missing_ok=True)


def _json(value: Payload) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()


def _npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    members: dict[str, bytes] = {}
    for name, array in arrays.items():
        stream = io.BytesIO()
        np.lib.format.write_array(stream, np.ascontiguousarray(array), allow_pickle=False)
        members[f"{name}.npy"] = stream.getvalue()
    return _zipped(members)


def _zipped(members: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), data)
    return stream.getvalue()


def _commit(path: Path, data: bytes) -> None:
    scratch = path.with_name(f".{path.name}.tmp")
    scratch.write_bytes(data)
    scratch.replace(path)
