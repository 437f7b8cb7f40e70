"""Read one archive: what is wrong costs one line each, and only the clips concerned are left out."""

import io
import json
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from zlib import error as ZlibError  # noqa: N812 - it is an exception

import numpy as np

from tasks.latents.training_layout.layout import (
    CAMERA,
    CAPTION,
    METRIC_SCALE,
    SCORES,
    Payload,
    Problem,
    TrainingClip,
    beside,
    score_value,
)

BROKEN = (OSError, ValueError, TypeError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, ZlibError)


@dataclass(frozen=True)
class TrainingArchive:
    """The usable clips of one archive, by the raw zip's order, and everything that was wrong."""

    clips: list[TrainingClip]
    problems: list[Problem]


@dataclass(frozen=True)
class _Sidecars:
    cameras: dict[str, tuple[np.ndarray, np.ndarray]]
    scales: dict[str, Payload]
    captions: dict[str, Payload]
    scores: dict[str, dict[str, Payload]]


def read_archive(raw_zip: Path, cache: Path) -> TrainingArchive:
    """Read a raw zip, its sidecars, and the latents in the cache's zip of the same name.

    A clip without a latent or a camera, or with one that is wrong, is left out; where the whole file is broken, one
    line says so for all. A sidecar that cannot be parsed costs every clip its entry, not the clip: a required score
    that is missing rejects it later, by name.

    Args:
        raw_zip: ``<raw>/<stem>.zip``.
        cache: directory of the latent zips.
    """
    problems: list[Problem] = []
    sidecars = _sidecars(raw_zip, problems)
    metadata = _members(raw_zip, ".json", problems)
    latents = _members(cache / raw_zip.name, ".npz", problems)
    broken = {problem.file for problem in problems if not problem.key}  # what they cost is told once, not by clip
    if raw_zip.name not in broken:
        orphans = [key for key in latents if key not in metadata]
        problems += [Problem(raw_zip.name, key, "no metadata, yet a latent") for key in orphans]
    clips: list[TrainingClip] = []
    for key, data in metadata.items():
        try:
            clips.append(_clip(key, data, latents.get(key), sidecars))
        except _Missing as error:
            if error.file_of(raw_zip) not in broken:
                problems.append(Problem(error.file, key, error.what))
        except _Unusable as error:
            problems.append(Problem(str(error.file or raw_zip.name), key, error.what))
    return TrainingArchive(clips, [_named(problem, raw_zip) for problem in problems])


class _Unusable(Exception):  # noqa: N818 - never leaves this file
    def __init__(self, file: str, what: str) -> None:
        super().__init__(what)
        self.file, self.what = file, what


class _Missing(_Unusable):
    """A clip without an entry in a file that it needs one in."""

    def file_of(self, raw_zip: Path) -> str:
        """The whole name of the file."""
        return beside(raw_zip, CAMERA).name if self.file == CAMERA else raw_zip.name


def _clip(key: str, data: bytes, latent: bytes | None, sidecars: _Sidecars) -> TrainingClip:
    metadata = _metadata(data)
    if key not in sidecars.cameras:
        raise _Missing(CAMERA, "no camera")
    poses, intrinsics = sidecars.cameras[key]
    _check_cameras(poses, intrinsics, metadata)
    scores = {kind: entries[key] for kind, entries in sidecars.scores.items() if key in entries}
    for kind, entry in scores.items():
        _check_score(kind, entry)
    scale = sidecars.scales.get(key)
    if isinstance(scale, int | float) and not (math.isfinite(scale) and scale > 0):
        raise _Unusable(METRIC_SCALE, f"scale is {scale}; it must be finite and above 0")
    return TrainingClip(key, metadata, _latent(latent), poses, intrinsics, scale, scores, sidecars.captions.get(key))


def _metadata(data: bytes) -> dict[str, Payload]:
    try:
        found = json.loads(data)
    except ValueError as error:
        raise _Unusable("", f"not JSON: {error}") from error
    sizes = [found.get(name) for name in ("width", "height")] if isinstance(found, dict) else [None]
    if not all(isinstance(size, int) and size > 0 for size in sizes):
        raise _Unusable("", f"width and height are {sizes}; both must be whole numbers above 0")
    return found


def _latent(data: bytes | None) -> np.ndarray:
    if data is None:
        raise _Missing("latents", "no latent")
    try:
        with np.load(io.BytesIO(data)) as arrays:
            latent = arrays["z"]
    except BROKEN as error:
        raise _Unusable("latents", f"latent cannot be read: {error}") from error
    if latent.dtype.kind != "f" or latent.ndim != 4 or not np.isfinite(latent).all():
        raise _Unusable("latents", f"latent of shape {latent.shape}, {latent.dtype}, is not a finite C T H W array")
    return latent


def _check_cameras(poses: np.ndarray, intrinsics: np.ndarray, metadata: dict[str, Payload]) -> None:
    if not (np.isfinite(poses).all() and np.isfinite(intrinsics).all()):
        frames = np.isfinite(poses).all(axis=(1, 2)) & np.isfinite(intrinsics).all(axis=1)
        raise _Unusable(CAMERA, f"camera of frame {int(frames.argmin())} is not finite")
    center = intrinsics[:, 2:]
    if (intrinsics[:, :2] < 2).any() or (center < 0).any() or (center > (metadata["width"], metadata["height"])).any():
        told = ", ".join(f"{value:g}" for value in intrinsics[0])
        raise _Unusable(CAMERA, f"intrinsics {told} are not pixels of {metadata['width']} x {metadata['height']}")


def _check_score(kind: str, entry: Payload) -> None:
    file = SCORES[kind]
    value = score_value(kind, entry)
    if value is None or not file.low <= value <= file.high:
        raise _Unusable(file.suffix, f"{kind} is {value}; it must be a number in [{file.low:g}, {file.high:g}]")


def _sidecars(raw_zip: Path, problems: list[Problem]) -> _Sidecars:
    return _Sidecars(
        cameras=_cameras(beside(raw_zip, CAMERA), problems),
        scales=_entries(beside(raw_zip, METRIC_SCALE), problems),
        captions=_entries(beside(raw_zip, CAPTION), problems),
        scores={kind: _entries(beside(raw_zip, file.suffix), problems) for kind, file in SCORES.items()},
    )


def _cameras(path: Path, problems: list[Problem]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    try:
        with path.open("rb") as stream, np.load(stream) as arrays:
            ids, ranges, poses, intrinsics = (arrays[name] for name in ("ids", "ranges", "pose", "intrinsics"))
    except BROKEN as error:
        problems.append(Problem(path.name, "", f"cameras cannot be read: {error}"))
        return {}
    kinds = (ranges.dtype.kind, poses.dtype.kind, intrinsics.dtype.kind)
    if kinds[0] not in "iu" or set(kinds[1:]) != {"f"}:
        told = f"ranges {ranges.dtype}, pose {poses.dtype}, intrinsics {intrinsics.dtype}"
        problems.append(Problem(path.name, "", f"types do not fit: {told}; whole numbers and two of floating point"))
        return {}
    if poses.shape[1:] != (4, 4) or intrinsics.shape != (len(poses), 4) or ranges.shape != (len(ids), 2):
        told = f"ids {ids.shape}, ranges {ranges.shape}, pose {poses.shape}, intrinsics {intrinsics.shape}"
        problems.append(Problem(path.name, "", f"shapes do not fit: {told}"))
        return {}
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for key, (start, count) in zip(ids.tolist(), ranges.tolist(), strict=True):
        if start < 0 or count < 1 or start + count > len(poses):
            problems.append(Problem(path.name, str(key), f"range {start}, {count} leaves the {len(poses)} poses"))
        else:
            found[str(key)] = (poses[start : start + count], intrinsics[start : start + count])
    return found


def _entries(path: Path, problems: list[Problem]) -> dict[str, Payload]:
    """Entries by key; a file that is not there has none, which is no problem of the file's."""
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        problems.append(Problem(path.name, "", f"not JSON: {error}"))
        return {}
    if not isinstance(found, dict):
        problems.append(Problem(path.name, "", f"holds a {type(found).__name__}, not an object of entries by key"))
        return {}
    return found


def _members(path: Path, ending: str, problems: list[Problem]) -> dict[str, bytes]:
    """Members of a zip by key, in its order; a broken member is one problem, and so is a broken zip."""
    found: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(ending):
                    try:
                        found[name.removesuffix(ending)] = archive.read(name)
                    except BROKEN as error:
                        problems.append(Problem(path.name, name, f"cannot be read: {error}"))
    except BROKEN as error:
        problems.append(Problem(path.name, "", f"zip cannot be read: {error}"))
    return found


def _named(problem: Problem, raw_zip: Path) -> Problem:
    """A suffix told as the file's whole name."""
    if problem.file.startswith("_"):
        return Problem(raw_zip.stem + problem.file, problem.key, problem.what)
    return problem
