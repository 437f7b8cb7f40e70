"""The content-addressed store: DVC's cache layout and DVC's ids, whole files or none.

The store knows bytes and ids; names, stages and the past are the catalogue's.
"""

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from data_contracts.errors import ErrorCode, OperationError
from data_contracts.provenance import Manifest, ManifestFile
from infra.files import digest_both, list_files


def scan(directory: Path) -> Manifest:
    """Digest every file of a directory once; the id is the one ``dvc add`` records for it."""
    files = [_entry(path, directory) for path in list_files(directory)]
    return Manifest(id=directory_id(files), files=files)


def _entry(path: Path, directory: Path) -> ManifestFile:
    digests = digest_both(path)
    name = path.relative_to(directory).as_posix()
    return ManifestFile(path=name, size=digests.size, md5=digests.md5, sha256=digests.sha256)


def directory_id(files: Iterable[ManifestFile]) -> str:
    """DVC's content hash of a directory with these files."""
    return _tree(files).hash_info.value


def _tree(files: Iterable[ManifestFile]):  # noqa: ANN202 - DVC's own type, imported lazily
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree

    tree = Tree()
    for file in files:
        tree.add(tuple(file.path.split("/")), None, HashInfo("md5", file.md5))
    tree.digest()
    return tree


class Store:
    """Objects by content under ``root`` (``files/md5`` of a DVC cache)."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def object_path(self, digest: str) -> Path:
        """Where the object of this MD5 (or directory id) lies, there or not."""
        return self.root / digest[:2] / digest[2:]

    def add(self, directory: Path, manifest: Manifest) -> None:
        """Keep a directory's bytes; what is there already is not written again. The directory object comes last."""
        for file in manifest.files:
            if not self._intact(file):
                self._put(directory / file.path, file.md5)
        target = self.object_path(manifest.id)
        if not target.exists():
            with tempfile.NamedTemporaryFile("wb", dir=self._home(target), prefix=".tmp-", delete=False) as stream:
                stream.write(_tree(manifest.files).as_bytes())
            self._commit(Path(stream.name), target)

    def holds(self, manifest: Manifest) -> bool:
        """Whether every object of an artifact is there with the right size (bytes are ``verify``'s matter)."""
        return self.object_path(manifest.id).exists() and all(self._has(file) for file in manifest.files)

    def checkout(self, manifest: Manifest, destination: Path) -> None:
        """Write an artifact's files into a new directory, each checked on the way.

        Raises:
            OperationError: an object is missing or its bytes are not what the manifest says.
        """
        destination.mkdir(parents=True)
        for file in manifest.files:
            target = destination / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            self._copy_checked(file, target)

    def verify(self, manifest: Manifest) -> list[str]:
        """Paths of objects that are missing or changed, relative to the store."""
        bad = sorted({self._name(file.md5) for file in manifest.files if not self._intact(file)})
        listing = self.object_path(manifest.id)
        expected = _tree(manifest.files).as_bytes()
        if not listing.exists() or listing.read_bytes() != expected:
            bad.append(self._name(manifest.id))
        return bad

    def _name(self, digest: str) -> str:
        return self.object_path(digest).relative_to(self.root).as_posix()

    def _has(self, file: ManifestFile) -> bool:
        path = self.object_path(file.md5)
        return path.exists() and path.stat().st_size == file.size

    def _intact(self, file: ManifestFile) -> bool:
        path = self.object_path(file.md5)
        return path.exists() and digest_both(path).sha256 == file.sha256

    def _copy_checked(self, file: ManifestFile, target: Path) -> None:
        if not self._intact(file):
            raise OperationError(
                ErrorCode.ARTIFACT_CORRUPT,
                f"object {self._name(file.md5)} of file {file.path} is missing or changed in {self.root}",
                "run `dvc fetch` to restore it from the remote, or run the stage again with --force",
            )
        shutil.copyfile(self.object_path(file.md5), target)

    def _put(self, source: Path, digest: str) -> None:
        target = self.object_path(digest)
        with tempfile.NamedTemporaryFile(dir=self._home(target), prefix=".tmp-", delete=False) as stream:
            scratch = Path(stream.name)
        try:
            shutil.copyfile(source, scratch)
            self._commit(scratch, target)
        finally:
            scratch.unlink(missing_ok=True)

    def _home(self, target: Path) -> Path:
        target.parent.mkdir(parents=True, exist_ok=True)
        return target.parent

    def _commit(self, scratch: Path, target: Path) -> None:
        scratch.chmod(0o444)  # as DVC protects its cache
        scratch.replace(target)
