"""The table of contents of a ``torch.save`` file, read without executing any of it.

Such a file is a zip archive: a pickle that says which tensors there are, and one uncompressed record of bytes per
storage. The pickle is only disassembled here; every record must hold exactly the bytes its tensors claim, before
anything is mapped. What is loaded afterwards goes through PyTorch's weights-only unpickler.
"""

import io
import mmap
import pickletools
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from model.checkpoints.problems import invalid_weights

STORAGE_BYTES = {
    "DoubleStorage": 8,
    "FloatStorage": 4,
    "HalfStorage": 2,
    "BFloat16Storage": 2,
    "LongStorage": 8,
    "IntStorage": 4,
    "ShortStorage": 2,
    "CharStorage": 1,
    "ByteStorage": 1,
    "BoolStorage": 1,
}
LARGEST_PICKLE = 64 * 2**20
LOCAL_HEADER = b"PK\x03\x04"
LOCAL_HEADER_BYTES = 30


@dataclass(frozen=True)
class StorageClaim:
    """What the pickle says of one storage: the key of the tensor it was first used for, its record, its bytes."""

    key: str
    record: str
    size: int


@dataclass(frozen=True)
class _Name:
    """A global of the pickle (module and name), told apart from strings."""

    text: str


Atom = str | int | _Name


def check_archive(path: Path) -> None:
    """Refuse an archive whose records are not exactly the bytes its tensors claim.

    Raises:
        InputError: not such a file, truncated (naming the first tensor that is not whole), compressed, or lying.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            records = {record.filename: record for record in archive.infolist()}
            pickles = [record for name, record in records.items() if name.endswith("/data.pkl")]
            if len(pickles) != 1 or pickles[0].file_size > LARGEST_PICKLE:
                raise invalid_weights(
                    path, f"holds {len(pickles)} pickles, expected one of at most {LARGEST_PICKLE} bytes"
                )
            claims = list(_claims(path, io.BytesIO(archive.read(pickles[0]))))
    except FileNotFoundError as error:
        raise invalid_weights(path, "the file does not exist") from error
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise _cut_off(path) from error
    root = pickles[0].filename.removesuffix("data.pkl")
    for claim in claims:
        _check_record(path, claim, records.get(f"{root}data/{claim.record}"))


def _check_record(path: Path, claim: StorageClaim, record: zipfile.ZipInfo | None) -> None:
    if record is None:
        raise invalid_weights(path, f"tensor {claim.key!r} has no record {claim.record}")
    stored = record.compress_type == zipfile.ZIP_STORED and record.file_size == claim.size
    if not stored or record.header_offset + claim.size > path.stat().st_size:
        held = f"{record.file_size} bytes at {record.header_offset}, compression {record.compress_type}"
        raise invalid_weights(path, f"tensor {claim.key!r} claims {claim.size} stored bytes, its record has {held}")


def _cut_off(path: Path) -> Exception:
    """The error for an archive without a directory at its end: truncated after a whole pickle, or no archive."""
    with path.open("rb") as stream:
        if stream.read(4) != LOCAL_HEADER:
            return invalid_weights(path, "not a zip archive of torch.save; older formats are not read")
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            start = _record_start(data, 0)
            if start is None:
                return invalid_weights(path, "truncated within its first record")
            position = start
            stream.seek(start)
            for claim in _claims(path, stream):
                marker = data.find(f"/data/{claim.record}".encode(), position)
                begin = _record_start(data, data.rfind(LOCAL_HEADER, position, marker)) if marker >= 0 else None
                if begin is None or begin + claim.size > len(data):
                    return invalid_weights(path, f"truncated: tensor {claim.key!r} is not whole")
                position = begin + claim.size
    return invalid_weights(path, "truncated: its directory is missing, all tensors are there")


def _record_start(data: mmap.mmap, header: int) -> int | None:
    fixed = data[header : header + LOCAL_HEADER_BYTES] if header >= 0 else b""
    if len(fixed) < LOCAL_HEADER_BYTES:
        return None
    name, extra = int.from_bytes(fixed[26:28], "little"), int.from_bytes(fixed[28:30], "little")
    return header + LOCAL_HEADER_BYTES + name + extra


def _claims(path: Path, payload: IO[bytes]) -> Iterator[StorageClaim]:
    """Storages in the order of the pickle, each once.

    A persistent id is the tuple ('storage', type, record, location, count); the string before the constructors that
    lead to it is the key of the tensor.
    """
    seen: set[str] = set()
    atoms: list[Atom] = []
    for operation, value in _atoms(path, payload):
        if operation != "BINPERSID":
            atoms.append(value)
            continue
        tag, kind, record, _, count = atoms[-5:] if len(atoms) > 5 else [""] * 5
        sizes = STORAGE_BYTES.get(kind.text.rpartition(" ")[2]) if isinstance(kind, _Name) else None
        if tag != "storage" or sizes is None or not isinstance(record, str) or not isinstance(count, int):
            raise invalid_weights(path, f"a tensor of storage {kind} cannot be read")
        if record not in seen:
            seen.add(record)
            key = next((one for one in reversed(atoms[:-5]) if isinstance(one, str)), "")
            yield StorageClaim(key, record, count * sizes)


def _atoms(path: Path, payload: IO[bytes]) -> Iterator[tuple[str, Atom]]:
    """Strings, integers and globals as they are pushed, memo looked up, and each ``BINPERSID``."""
    memo: dict[object, Atom | None] = {}
    last: Atom | None = None
    try:
        for opcode, argument, _ in pickletools.genops(payload):
            if opcode.name in {"BINPUT", "LONG_BINPUT"}:
                memo[argument] = last
                continue
            last = memo.get(argument) if opcode.name in {"BINGET", "LONG_BINGET"} else _atom(opcode.name, argument)
            if last is not None or opcode.name == "BINPERSID":
                yield opcode.name, "" if last is None else last
    except ValueError as error:
        raise invalid_weights(path, f"its pickle cannot be read: {error}") from error


def _atom(name: str, argument: object) -> Atom | None:
    """What an instruction pushes, None for anything but a string, an integer or a global."""
    if name == "GLOBAL":
        return _Name(str(argument))
    return argument if isinstance(argument, str | int) and not isinstance(argument, bool) else None
