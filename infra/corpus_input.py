"""The raw corpus as an input: an id by content, without reading again what did not change.

The path is not part of the id: the same bytes under another directory are the same corpus.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from data_contracts.errors import ErrorCode, InputError
from infra.files import list_files, write_atomic
from infra.stage import digest_file, digest_json
from infra.workdir import Workdir

MANIFEST = "corpus.json"
TRUTH = "truth.json"
"""What a rendered corpus says of itself: the judge's, never opened here, and no part of the input."""


@dataclass(frozen=True)
class CorpusInput:
    """A corpus directory and the id of its bytes (SHA-256 over relative paths and file digests)."""

    path: Path
    id: str
    files: int


def examine_corpus(workdir: Workdir, path: Path, *, write: bool = True) -> CorpusInput:
    """Digest a corpus and write its manifest under the workdir's ``inputs``; with ``write`` off, leave no trace.

    Raises:
        InputError: it is not a directory, or a file in it cannot be read.
    """
    if not path.is_dir():
        raise InputError(
            ErrorCode.CORPUS_UNREADABLE, f"corpus {path} is not a directory", "pass the directory that holds the videos"
        )
    known = _known(workdir)
    try:
        files = {
            item.relative_to(path).as_posix(): _entry(item, known) for item in list_files(path) if item != path / TRUTH
        }
    except OSError as error:
        message = f"corpus file {error.filename} cannot be read: {error.strerror}"
        raise InputError(ErrorCode.CORPUS_UNREADABLE, message, "make it readable, or take it out") from error
    digests = {name: entry[-1] for name, entry in files.items()}
    corpus = CorpusInput(path, digest_json(digests), len(files))
    if write:
        _write(workdir, corpus, files)
    return corpus


def changed_corpus_files(workdir: Workdir, corpus_id: str) -> list[str]:
    """Files of the recorded corpus that are missing or not what they were, read again; empty for another corpus.

    Paths are absolute. The record itself is named when it does not give the id.
    """
    record = workdir.inputs / MANIFEST
    path = recorded_corpus(workdir)
    if path is None or not record.exists():
        return []
    listing = json.loads(record.read_text())
    digests = {name: entry["sha256"] for name, entry in listing["files"].items()}
    if corpus_id != listing["id"]:
        return []
    if digest_json(digests) != corpus_id:
        return [str(record)]
    files = {path / name: digest for name, digest in digests.items()}
    return [str(file) for file, digest in files.items() if not file.is_file() or digest_file(file) != digest]


def recorded_corpus(workdir: Workdir) -> Path | None:
    """The corpus directory of the last run, for a stage that is started by itself."""
    path = workdir.inputs / "corpus_state.json"
    return Path(json.loads(path.read_text())["path"]) if path.exists() else None


Entry = tuple[int, int, int, int, str]
"""Size, inode, modification and change time, SHA-256."""


def _known(workdir: Workdir) -> dict[tuple[int, ...], str]:
    path = workdir.inputs / "corpus_state.json"
    if not path.exists():
        return {}
    return {tuple(entry[:4]): entry[4] for entry in json.loads(path.read_text())["files"].values()}


def _entry(path: Path, known: dict[tuple[int, ...], str]) -> Entry:
    stat = path.stat()
    stamp = (stat.st_size, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns)
    return (*stamp, known.get(stamp) or digest_file(path))


def _write(workdir: Workdir, corpus: CorpusInput, files: dict[str, Entry]) -> None:
    """The manifest holds digests alone (DVC hashes it); path and times go into a file of their own."""
    listing = {name: {"size": entry[0], "sha256": entry[4]} for name, entry in files.items()}
    write_atomic(workdir.inputs / MANIFEST, json.dumps({"id": corpus.id, "files": listing}, indent=1))
    state = {"path": str(corpus.path.resolve()), "files": files}
    write_atomic(workdir.inputs / "corpus_state.json", json.dumps(state))
