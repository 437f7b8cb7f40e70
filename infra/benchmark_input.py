"""The published benchmark as an input: an id by the bytes of its pictures, wherever they lie.

Two layouts are read: the published one, whose first frames are ``images/<category>_NNN.png``, and a plain folder of
pictures. Trajectories, prompts and cameras are no part of the id: no clip is compared with them.
"""

from dataclasses import dataclass
from pathlib import Path

from data_contracts.errors import ErrorCode, InputError
from infra.stage import digest_file, digest_json

IMAGES = "images"
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
LAYOUT = "pass a directory that holds images/<category>_NNN.png, or a folder of pictures"


@dataclass(frozen=True)
class BenchmarkInput:
    """A benchmark's pictures, sorted by name, and the id of their names and bytes (SHA-256)."""

    path: Path
    id: str
    pictures: tuple[Path, ...]


def examine_benchmark(path: Path) -> BenchmarkInput:
    """Find and digest the pictures of a benchmark.

    Raises:
        InputError: it is not a directory, holds no picture, or one of them cannot be read.
    """
    if not path.is_dir():
        raise _unreadable(f"benchmark {path} is not a directory")
    folder = path / IMAGES if (path / IMAGES).is_dir() else path
    pictures = tuple(sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES))
    if not pictures:
        raise _unreadable(f"benchmark {path} holds no picture: {folder} has no file of {', '.join(SUFFIXES)}")
    try:
        digests = {file.name: digest_file(file) for file in pictures}
    except OSError as error:
        raise _unreadable(f"benchmark picture {error.filename} cannot be read: {error.strerror}") from error
    return BenchmarkInput(path.resolve(), digest_json(digests), pictures)


def _unreadable(message: str) -> InputError:
    return InputError(ErrorCode.BENCHMARK_UNREADABLE, message, LAYOUT)
