"""A file of an older version is found through its manifest; what is gone is told from what cannot be read."""

import pytest

from data_contracts.errors import OperationError
from infra.catalog import Catalog
from infra.store import Store, scan
from infra.stored_file import stored_file


@pytest.fixture
def kept(tmp_path):
    """A catalogue and a store with one artifact of two files."""
    directory = tmp_path / "made"
    (directory / "part").mkdir(parents=True)
    (directory / "index.parquet").write_bytes(b"rows")
    (directory / "part" / "a.bin").write_bytes(b"bytes")
    catalog, store, manifest = Catalog(tmp_path / "catalog"), Store(tmp_path / "objects"), scan(directory)
    store.add(directory, manifest)
    catalog.add_manifest(manifest)
    return catalog, store, manifest.id


def test_each_file_is_found_by_its_name(kept):
    assert stored_file(*kept, "index.parquet").read_bytes() == b"rows"
    assert stored_file(*kept, "part/a.bin").read_bytes() == b"bytes"


def test_what_is_not_there_is_none(kept):
    catalog, store, artifact_id = kept
    assert stored_file(catalog, store, artifact_id, "a.bin") is None
    assert stored_file(catalog, store, "0" * 32 + ".dir", "index.parquet") is None
    stored_file(*kept, "index.parquet").unlink()
    assert stored_file(*kept, "index.parquet") is None


def test_a_broken_manifest_is_an_error(kept):
    catalog, _, artifact_id = kept
    catalog.manifest_path(artifact_id).write_text("{")
    with pytest.raises(OperationError, match="E501"):
        stored_file(*kept, "index.parquet")
