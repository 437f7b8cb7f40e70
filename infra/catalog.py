"""The catalogue of a workdir: manifests, provenance, stage keys and latest pointers, one JSON file each.

Append-only but for the latest pointers and the key records, which are replaced whole. A provenance file is named after
the SHA-256 of its own bytes, so a changed record is found out.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from data_contracts.errors import ErrorCode, InputError, OperationError
from data_contracts.provenance import KeyRecord, LatestPointer, Manifest, Provenance
from infra.files import write_atomic

Model = TypeVar("Model", bound=BaseModel)


class Catalog:
    """Reads and writes the records under ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add_manifest(self, manifest: Manifest) -> None:
        """Record an artifact's files."""
        write_atomic(self.manifest_path(manifest.id), manifest_text(manifest))

    def manifest_path(self, artifact_id: str) -> Path:
        """Where the manifest of an artifact lies."""
        return self.root / "manifests" / f"{artifact_id}.json"

    def manifest(self, artifact_id: str) -> Manifest:
        """The files of an artifact.

        Raises:
            InputError: the workdir knows no such artifact.
        """
        path = self.manifest_path(artifact_id)
        if not path.exists():
            raise InputError(
                ErrorCode.ARTIFACT_UNKNOWN,
                f"artifact {artifact_id} has no manifest in {self.root}",
                "check the id, or pass the --workdir that made it",
            )
        return _read(path, Manifest)

    def add_provenance(self, record: Provenance) -> str:
        """Append a record; gives its path relative to the catalogue."""
        text = record.model_dump_json(indent=1)
        digest = hashlib.sha256(text.encode()).hexdigest()
        path = self.root / "provenance" / record.artifact / record.id / f"{digest}.json"
        write_atomic(path, text)
        return path.relative_to(self.root).as_posix()

    def provenance(self) -> list[tuple[Path, Provenance]]:
        """Every record, oldest first."""
        found = [(path, _read(path, Provenance)) for path in self.provenance_files()]
        return sorted(found, key=lambda pair: (pair[1].started_at, pair[0].name))

    def provenance_files(self) -> Iterator[Path]:
        """The files of all records, whether they can be read or not."""
        yield from sorted((self.root / "provenance").glob("*/*/*.json"))

    def provenance_of(self, artifact: str, artifact_id: str) -> list[Provenance]:
        """All records of one version of an artifact, oldest first."""
        paths = (self.root / "provenance" / artifact / artifact_id).glob("*.json")
        return sorted((_read(path, Provenance) for path in paths), key=lambda record: record.started_at)

    def record_key(self, record: KeyRecord) -> None:
        """Say what a stage key produced."""
        write_atomic(self._key_path(record.stage, record.key), record.model_dump_json(indent=1))

    def key_record(self, stage: str, key: str) -> KeyRecord | None:
        """What this key produced, if it ever ran."""
        path = self._key_path(stage, key)
        return _read(path, KeyRecord) if path.exists() else None

    def move_latest(self, pointer: LatestPointer) -> None:
        """Make a version the latest one of its artifact."""
        write_atomic(self._latest_path(pointer.artifact), pointer.model_dump_json(indent=1))

    def latest(self, artifact: str) -> LatestPointer | None:
        """The newest finished version of an artifact, if there is one."""
        path = self._latest_path(artifact)
        return _read(path, LatestPointer) if path.exists() else None

    def all_latest(self) -> list[LatestPointer]:
        """Every latest pointer, sorted by artifact."""
        return [_read(path, LatestPointer) for path in sorted((self.root / "latest").glob("*.json"))]

    def _key_path(self, stage: str, key: str) -> Path:
        return self.root / "keys" / stage / f"{key}.json"

    def _latest_path(self, artifact: str) -> Path:
        return self.root / "latest" / f"{artifact}.json"


def manifest_text(manifest: Manifest) -> str:
    """What a manifest's file holds."""
    return manifest.model_dump_json(indent=1)


def manifest_digest(manifest: Manifest) -> str:
    """SHA-256 of a manifest's file."""
    return hashlib.sha256(manifest_text(manifest).encode()).hexdigest()


def _read(path: Path, model: type[Model]) -> Model:
    try:
        return model.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise OperationError(
            ErrorCode.ARTIFACT_CORRUPT,
            f"catalogue record {path} cannot be read: {error.errors()[0]['msg']}",
            "restore it from a copy, or delete it and run its stage again",
        ) from error
