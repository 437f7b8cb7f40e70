"""Where an artifact came from, and what its bytes are: written beside the artifact, never in it."""

from pydantic import Field

from data_contracts.base import Record


class ManifestFile(Record):
    """One file of an artifact: POSIX path relative to it, size in bytes, and both digests of its bytes."""

    path: str
    size: int = Field(ge=0)
    md5: str
    sha256: str


class Manifest(Record):
    """Every file of an artifact, sorted by path. ``id`` is DVC's content hash of the directory (``<md5>.dir``)."""

    id: str
    files: list[ManifestFile]

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(file.size for file in self.files)


class Provenance(Record):
    """One production of one artifact. Append-only: the same bytes made twice have two records.

    ``inputs`` are the artifacts that decide the stage's key, ``reads`` those whose media are read without deciding it
    (their digests stand in an input). ``siblings`` are all outputs of the same execution, this one included.
    ``manifest_digest`` is the SHA-256 of the manifest's file, so that neither can be changed unseen. ``packages`` are
    the third-party packages the stage's code imports, with their versions.
    """

    artifact: str
    id: str
    manifest_digest: str
    stage: str
    key: str
    inputs: dict[str, str]
    reads: dict[str, str]
    siblings: dict[str, str]
    code_digest: str
    config_digest: str
    resources_digest: str
    config: dict[str, object]
    packages: dict[str, str]
    environment: dict[str, str]
    flyte_execution: str
    mlflow_run: str
    git_commit: str
    started_at: str
    seconds: float = Field(ge=0)
    items: int = Field(ge=0)
    note: str
    metrics: dict[str, float]


class KeyRecord(Record):
    """What a stage key produced last: artifact name -> id, and the provenance file of each."""

    stage: str
    key: str
    outputs: dict[str, str]
    provenance: dict[str, str]


class LatestPointer(Record):
    """The newest finished version of an artifact; moved last, atomically."""

    artifact: str
    id: str
    stage: str
    key: str
