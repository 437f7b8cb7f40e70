"""Small file moves that are whole or not at all."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

CHUNK = 1 << 20


def write_atomic(path: Path, text: str) -> None:
    """Write a text file through a temporary sibling and a rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, scratch = tempfile.mkstemp(prefix=".tmp-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w") as stream:
            stream.write(text)
        Path(scratch).chmod(0o644)
        Path(scratch).replace(path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise


@dataclass(frozen=True)
class FileDigests:
    """Size in bytes and both digests of one file, read once."""

    size: int
    md5: str
    sha256: str


def digest_both(path: Path) -> FileDigests:
    """Read a file once for its MD5 (DVC's id) and SHA-256 (ours)."""
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    with path.open("rb") as stream:
        while block := stream.read(CHUNK):
            md5.update(block)
            sha256.update(block)
            size += len(block)
    return FileDigests(size, md5.hexdigest(), sha256.hexdigest())


def list_files(directory: Path) -> list[Path]:
    """Every file below a directory, sorted by its relative POSIX path."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return sorted(files, key=lambda path: path.relative_to(directory).as_posix())
