"""The latest version of each artifact in the workdir, kept equal to the store without hashing it every time.

Like Git's index: size, inode and times of each file as it was written; anything else than that is restored from the
store. So a file that someone changed is healed before a stage reads it.
"""

import json
from pathlib import Path

from data_contracts.provenance import Manifest
from infra.files import list_files, write_atomic
from infra.store import Store
from infra.workdir import Workdir


class Checkouts:
    """Moves artifact directories into place and knows whether they are still what was put there."""

    def __init__(self, workdir: Workdir, store: Store) -> None:
        self.workdir = workdir
        self.store = store

    def install(self, name: str, manifest: Manifest, ready: Path) -> Path:
        """Put a finished directory (same file system) in place of the artifact's previous version."""
        target, state = self.workdir.artifact(name), self._state(name)
        state.unlink(missing_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            target.rename(self.workdir.new_scratch("old") / name)
        ready.rename(target)
        write_atomic(state, json.dumps({"id": manifest.id, "files": _stamps(target)}))
        return target

    def ensure(self, name: str, manifest: Manifest) -> Path:
        """The directory of this version of an artifact; restored from the store when it is not untouched."""
        target = self.workdir.artifact(name)
        if self.untouched(name, manifest):
            return target
        ready = self.workdir.new_scratch("restore") / name
        self.store.checkout(manifest, ready)
        return self.install(name, manifest, ready)

    def untouched(self, name: str, manifest: Manifest) -> bool:
        """Whether the checkout is this version and no file was touched since."""
        state, target = self._state(name), self.workdir.artifact(name)
        if not state.exists() or not target.is_dir():
            return False
        known = json.loads(state.read_text())
        return known["id"] == manifest.id and known["files"] == _stamps(target)

    def _state(self, name: str) -> Path:
        return self.workdir.catalog / "checkouts" / f"{name}.json"


def _stamps(directory: Path) -> dict[str, list[int]]:
    """Size, inode and times per file. The change time cannot be set back, as the modification time can."""
    stats = {path.relative_to(directory).as_posix(): path.stat() for path in list_files(directory)}
    return {name: [stat.st_size, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns] for name, stat in stats.items()}
