"""What a benchmark shows, as hashes that a clip's frames are compared with: published pictures, or held-out clips."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from data_contracts.clip import ClipRow
from data_contracts.errors import ErrorCode, InputError
from infra.benchmark_input import examine_benchmark
from tasks.filtering import phash
from tasks.filtering.config import BenchmarkPlace
from tasks.filtering.frame_hashes import read_frame_hashes
from tasks.vision.images import CoverCrop

ZOOMS = (1.0, 1.03, 1.06, 1.09)
"""A picture that was cut to another aspect ratio before it became a clip shows this much less of its centre: a 4:3
picture cut to 704 x 1280, then to 192 x 320, is its direct cut to 192 x 320 magnified by 1.09; a 16:9 one by 1.02."""

Size = tuple[int, int]
"""Height and width."""


@dataclass(frozen=True)
class BenchmarkPictures:
    """The pictures, a name and a hash each; a picture may have several rows."""

    names: tuple[str, ...]
    hashes: UInt8[np.ndarray, "pictures bytes"]

    def nearest(self, frames: UInt8[np.ndarray, "frames bytes"]) -> tuple[float, int, str] | None:
        """The smallest distance of any frame to any picture, that frame, and that picture's name; None without any."""
        found = phash.distances(frames, self.hashes)
        if not np.isfinite(found).any():
            return None
        frame, picture = np.unravel_index(found.argmin(), found.shape)
        return float(found[frame, picture]), int(frame), self.names[picture]


def published_pictures(place: BenchmarkPlace, sizes: Iterable[Size]) -> dict[Size, BenchmarkPictures]:
    """The pictures of a published benchmark as ``ingest`` would store them in clips of these sizes.

    Raises:
        InputError: a picture is gone, is not what it was when the run began, or cannot be compared.
    """
    found = examine_benchmark(Path(place.path))
    if found.id != place.digest:
        raise InputError(
            ErrorCode.BENCHMARK_UNREADABLE,
            f"benchmark {place.path} has the digest {found.id[:12]}, the run began with {place.digest[:12]}",
            "start the run again: its pictures were changed since",
        )
    pictures = {path.stem: _read(path) for path in found.pictures}
    return {size: _hashed(pictures, size) for size in sizes}


def held_out_pictures(rows: Iterable[ClipRow], hash_files: Mapping[str, Path]) -> BenchmarkPictures:
    """The first frames of held-out clips, from which ``evaluate`` starts its videos."""
    held = [row for row in rows if row.clip_id in hash_files]
    first = [read_frame_hashes(hash_files[row.clip_id])[:1] for row in held]
    names = tuple(f"the first frame of {row.path}" for row in held)
    return BenchmarkPictures(names, np.concatenate([np.empty((0, phash.BITS // 8), np.uint8), *first]))


def _hashed(pictures: Mapping[str, np.ndarray], size: Size) -> BenchmarkPictures:
    names = tuple(f"benchmark image {name}" for name in pictures for _ in ZOOMS)
    views = [_view(picture, size, zoom) for picture in pictures.values() for zoom in ZOOMS]
    return BenchmarkPictures(names, phash.picture_hashes(views))


def _view(picture: UInt8[np.ndarray, "height width 3"], size: Size, zoom: float) -> UInt8[np.ndarray, "rows columns"]:
    """The picture in gray at a clip's size, its centre magnified."""
    height, width = (round(side * zoom) for side in size)
    gray = cv2.cvtColor(CoverCrop(picture.shape[:2], (height, width)).picture(picture), cv2.COLOR_BGR2GRAY)
    top, left = (height - size[0]) // 2, (width - size[1]) // 2
    return gray[top : top + size[0], left : left + size[1]]


def _read(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise _unusable(path, "does not decode as a picture", "restore it, or take it out")
    contrast = float(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).std())
    if contrast < phash.FLATTEST:
        told = f"has a standard deviation of {contrast:.1f} gray levels, at least {phash.FLATTEST:g} are needed"
        raise _unusable(path, told, "take it out: nothing can be told from so flat a picture")
    return picture


def _unusable(path: Path, problem: str, fix: str) -> InputError:
    return InputError(ErrorCode.BENCHMARK_UNREADABLE, f"benchmark picture {path} {problem}", fix)
