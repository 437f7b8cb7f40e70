"""SHA-256 of files, as hexadecimal."""

import hashlib
from pathlib import Path


def file_digest(path: Path) -> str:
    """Digest of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
