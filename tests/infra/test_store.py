"""Ids are DVC's, artifacts are whole or not there."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.errors import OperationError
from infra.catalog import Catalog
from infra.store import Store, scan


def fill(directory: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return directory


FILES = {"b.txt": b"two", "a/x.bin": b"\0" * 5000, "a-b": b"", "a/y": b"two"}


def test_the_id_is_the_one_dvc_records(tmp_path):
    from dvc_data.hashfile.build import build
    from dvc_data.hashfile.db.local import LocalHashFileDB
    from dvc_objects.fs.local import LocalFileSystem

    directory = fill(tmp_path / "data", FILES)
    system = LocalFileSystem()
    _, _, tree = build(LocalHashFileDB(system, str(tmp_path / "odb")), str(directory), system, "md5")
    assert scan(directory).id == tree.hash_info.value


def test_what_is_added_comes_back_and_is_stored_once(tmp_path):
    store = Store(tmp_path / "objects")
    manifest = scan(fill(tmp_path / "data", FILES))
    store.add(tmp_path / "data", manifest)
    store.checkout(manifest, tmp_path / "copy")
    assert scan(tmp_path / "copy") == manifest
    assert len([path for path in (tmp_path / "objects").rglob("*") if path.is_file()]) == 4
    assert store.holds(manifest)
    assert store.verify(manifest) == []


def test_a_changed_object_is_found_refused_and_healed(tmp_path):
    store = Store(tmp_path / "objects")
    manifest = scan(fill(tmp_path / "data", FILES))
    store.add(tmp_path / "data", manifest)
    victim = store.object_path(next(file.md5 for file in manifest.files if file.path == "b.txt"))
    victim.chmod(0o644)
    victim.write_bytes(b"tw0")
    assert store.verify(manifest) == [victim.relative_to(store.root).as_posix()]
    with pytest.raises(OperationError, match="E501"):
        store.checkout(manifest, tmp_path / "copy")
    store.add(tmp_path / "data", manifest)
    assert store.verify(manifest) == []


@given(st.dictionaries(st.sampled_from(["a", "b/c", "b/d", "e f", "ü"]), st.binary(max_size=40), min_size=1))
def test_the_id_depends_on_names_and_bytes_alone(tmp_path_factory, files):
    first = fill(tmp_path_factory.mktemp("first"), files)
    second = fill(tmp_path_factory.mktemp("second"), dict(reversed(files.items())))
    assert scan(first) == scan(second)
    name = next(iter(files))
    (second / name).write_bytes(files[name] + b"!")
    assert scan(first).id != scan(second).id


def test_a_torn_catalogue_record_is_an_error_and_not_a_guess(tmp_path):
    catalog = Catalog(tmp_path)
    manifest = scan(fill(tmp_path / "data", FILES))
    catalog.add_manifest(manifest)
    assert catalog.manifest(manifest.id) == manifest
    catalog.manifest_path(manifest.id).write_text("{")
    with pytest.raises(OperationError, match="E501"):
        catalog.manifest(manifest.id)
