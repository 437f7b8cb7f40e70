"""A ``torch.save`` file is checked before any of it is mapped, and never executes anything."""

import struct
import zipfile
from pathlib import Path

import pytest
import torch

from data_contracts.errors import InputError
from model.checkpoints.source import TorchSource
from model.checkpoints.torch_archive import check_archive


class Foreign:
    """Something that needs code to load."""


def saved(path: Path, value: object) -> Path:
    torch.save(value, path)
    return path


def repacked(path: Path, **changes: bytes | None) -> Path:
    """The archive again with some records replaced (or removed), by the end of their names."""
    target = path.with_suffix(".changed.pt")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for record in old.infolist():
            key = record.filename.split("/", 1)[1].replace("/", "_").replace(".", "_")
            content = changes.get(key, old.read(record))
            if content is not None:
                new.writestr(record.filename, content)
    return target


def test_tensors_come_back_with_shared_storages_and_parameters(tmp_path: Path) -> None:
    base = torch.arange(6.0)
    tensors = {"model.a": base[:2], "model.b": base[2:], "model.c": torch.nn.Parameter(torch.ones(2).bfloat16())}
    source = TorchSource(saved(tmp_path / "m.pt", {"generator": tensors, "critic": {"x": torch.zeros(1)}, "step": 3}))
    assert {name: entry.shape for name, entry in source.entries.items()} == {
        "model.a": (2,), "model.b": (4,), "model.c": (2,)
    }  # fmt: skip
    assert all(torch.equal(source.read(name), tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"generator": {"a": Foreign()}}, "weights-only"),
        ({"student": {"a": torch.zeros(1)}}, "not a dict with a 'generator'"),
        ([torch.zeros(1)], "not a dict"),
        ({"generator": {"a": torch.zeros(1)}, "surprise": 1}, "unknown entries surprise"),
        ({"generator": {"a": 3}}, "not a plain tensor"),
        ({"generator": {"a": torch.zeros(1, dtype=torch.complex64)}}, "cannot be read"),
    ],
    ids=["code", "no generator", "list", "extra entry", "number", "complex"],
)
def test_what_is_not_plain_weights_is_refused(tmp_path: Path, value: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        TorchSource(saved(tmp_path / "m.pt", value))


def test_records_that_lie_are_refused_by_the_key(tmp_path: Path) -> None:
    file = saved(tmp_path / "m.pt", {"generator": {"first": torch.zeros(3), "second": torch.zeros(4)}})
    check_archive(repacked(file))
    with pytest.raises(InputError, match="'second' claims 16 stored bytes, its record has 8"):
        check_archive(repacked(file, data_1=b"12345678"))
    with pytest.raises(InputError, match="'second' has no record 1"):
        check_archive(repacked(file, data_1=None))
    with pytest.raises(InputError, match="0 pickles"):
        check_archive(repacked(file, data_pkl=None))
    with pytest.raises(InputError, match="pickle cannot be read"):
        check_archive(repacked(file, data_pkl=b"\x80\x02}q"))


def test_a_compressed_record_is_refused(tmp_path: Path) -> None:
    file = saved(tmp_path / "m.pt", {"generator": {"a": torch.zeros(64)}})
    packed = tmp_path / "packed.pt"
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for record in old.infolist():
            new.writestr(record.filename, old.read(record))
    with pytest.raises(InputError, match="compression 8"):
        check_archive(packed)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "old.pt").write_bytes(b"\x80\x02" + struct.pack("<Q", 3))
    with pytest.raises(InputError, match="not a zip archive"):
        check_archive(tmp_path / "old.pt")
    (tmp_path / "short.pt").write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match="first record"):
        check_archive(tmp_path / "short.pt")
    with pytest.raises(InputError, match="does not exist"):
        check_archive(tmp_path / "nowhere.pt")
