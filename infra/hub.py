"""Files of a model hub, only when asked for: pinned by commit and by SHA-256, resumed where a download broke off."""

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from data_contracts.errors import ErrorCode, InputError, OperationError

COMMIT = re.compile(r"[0-9a-f]{40}")
SHA256 = re.compile(r"[0-9a-f]{64}")
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


class Fetch(Protocol):
    """Brings one file of a repository into a folder and says where it lies."""

    def __call__(self, repo_id: str, filename: str, *, revision: str, local_dir: Path) -> str:
        """Download, or go on with what an earlier call left."""
        ...


def pinned_files(hashes: list[str]) -> dict[str, str]:
    """``FILE=SHA256`` texts as a mapping.

    Raises:
        InputError: one is not of that form, or names a file outside the folder.
    """
    pinned = {}
    for text in hashes:
        name, _, digest = text.rpartition("=")
        inside = name and not Path(name).is_absolute() and ".." not in Path(name).parts
        if not inside or not SHA256.fullmatch(digest):
            raise _wrong(f"--sha256 {text!r} is not FILE=64 hexadecimal digits")
        pinned[name] = digest
    return pinned


def download(
    repository: str, revision: str, files: Mapping[str, str], folder: Path, fetch: Fetch | None = None
) -> list[Path]:
    """Bring files into ``folder``; those that are there with the right bytes are not asked for.

    Args:
        repository: OWNER/NAME.
        revision: a commit, never a branch or tag.
        files: path in the repository -> SHA-256.
        folder: made if it is not there.
        fetch: how; None = the hub's own client, which resumes.

    Raises:
        InputError: a pin is missing or malformed, or downloaded bytes have another digest (they are removed).
        OperationError: the hub cannot be reached or refuses.
    """
    if not REPOSITORY.fullmatch(repository) or not COMMIT.fullmatch(revision) or not files:
        raise _wrong(f"repository {repository!r}, revision {revision!r}, {len(files)} files")
    folder.mkdir(parents=True, exist_ok=True)
    return [_one(name, digest, folder, _bound(repository, revision, folder, fetch)) for name, digest in files.items()]


def _bound(repository: str, revision: str, folder: Path, fetch: Fetch | None) -> Callable[[str], Path]:
    def bring(name: str) -> Path:
        if fetch is not None:
            return Path(fetch(repository, name, revision=revision, local_dir=folder))
        from huggingface_hub import hf_hub_download

        try:
            return Path(hf_hub_download(repository, name, revision=revision, local_dir=folder))
        except Exception as error:  # the client lets through the errors of whichever HTTP library it uses
            why = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise OperationError(
                ErrorCode.HUB_UNREACHABLE,
                f"{name} of {repository} at {revision[:12]}: {why}",
                "check the network, the names and your access to the repository, then run again: it resumes",
            ) from error

    return bring


def _one(name: str, digest: str, folder: Path, bring: Callable[[str], Path]) -> Path:
    path = folder / name
    if not path.is_file() or _sha256(path) != digest:
        path = bring(name)
    if (found := _sha256(path)) != digest:
        path.unlink()
        raise InputError(
            ErrorCode.WEIGHTS_INVALID,
            f"{name} has SHA-256 {found[:16]}, pinned is {digest[:16]}; it was removed",
            "compare the hash with the publisher's; if the pin is right, the file is not to be trusted",
        )
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _wrong(message: str) -> InputError:
    return InputError(
        ErrorCode.CONFIG_INVALID,
        message,
        "give --from-hub OWNER/NAME, --revision COMMIT (40 hexadecimal digits) and --sha256 FILE=HASH for each file",
    )
