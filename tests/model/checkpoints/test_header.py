"""Headers are checked before anything is read."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from data_contracts.errors import InputError
from model.checkpoints.header import read_header


def write(path: Path, header: object, body: bytes = b"", length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes((len(text) if length is None else length).to_bytes(8, "little") + text + body)
    return path


def test_a_true_file_is_read(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(2, 3), "b": torch.zeros(4, dtype=torch.bfloat16)}, tmp_path / "w.safetensors")
    entries = read_header(tmp_path / "w.safetensors")
    assert entries["a"].shape == (2, 3)
    assert entries["b"].dtype == "BF16"


def entry(dtype: str = "F32", shape: object = (1,), offsets: object = (0, 4)) -> dict[str, object]:
    return {"a": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


@pytest.mark.parametrize(
    ("header", "body"),
    [
        (b"not json", b""),
        ([1], b""),
        (entry(), b""),
        (entry(), b"12345"),
        (entry(dtype="F31"), b"1234"),
        (entry(shape=(2,)), b"1234"),
        (entry(shape=(-1,)), b"1234"),
        (entry(shape="x"), b"1234"),
        (entry(offsets=(4, 8)), b"12345678"),
        ({"a": {"dtype": "F32"}}, b"1234"),
    ],
)
def test_headers_that_lie_are_refused(tmp_path: Path, header: object, body: bytes) -> None:
    with pytest.raises(InputError):
        read_header(write(tmp_path / "w.safetensors", header, body))


def test_a_huge_length_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not fit"):
        read_header(write(tmp_path / "w.safetensors", b"{}", length=2**60))
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(InputError):
        read_header(tmp_path / "empty")
    with pytest.raises(InputError, match="cannot be read"):
        read_header(tmp_path / "nowhere")
