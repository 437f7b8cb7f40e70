"""One file of a stored version of an artifact, found through its manifest: older versions are checked out nowhere."""

from pathlib import Path

from infra.catalog import Catalog
from infra.store import Store


def stored_file(catalog: Catalog, store: Store, artifact_id: str, name: str) -> Path | None:
    """Where the bytes of an artifact's file lie; None where its manifest, the file in it, or the bytes are not there.

    Raises:
        OperationError: the manifest cannot be read.
    """
    if not catalog.manifest_path(artifact_id).exists():
        return None
    digests = {file.path: file.md5 for file in catalog.manifest(artifact_id).files}
    path = store.object_path(digests[name]) if name in digests else None
    return path if path is not None and path.exists() else None
