"""Reading a safetensors header alone: sizes are checked before anything is mapped or allocated."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_contracts.errors import ErrorCode, InputError

LENGTH_BYTES = 8
LARGEST_HEADER = 100 * 2**20  # the format's own limit
METADATA = "__metadata__"
BITS = {
    "F64": 64,
    "F32": 32,
    "F16": 16,
    "BF16": 16,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "F8_E8M0": 8,
    "F4": 4,
    "I64": 64,
    "I32": 32,
    "I16": 16,
    "I8": 8,
    "U64": 64,
    "U32": 32,
    "U16": 16,
    "U8": 8,
    "BOOL": 8,
}


@dataclass(frozen=True)
class TensorEntry:
    """One tensor of a header; ``start`` and ``stop`` are bytes of the data section."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int

    @property
    def values(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


def read_header(path: Path) -> dict[str, TensorEntry]:
    """Names, types and shapes of a safetensors file, in file order.

    Raises:
        InputError: if the file is missing, or its header does not describe exactly the bytes that follow it.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(LENGTH_BYTES), "little")
            if size < LENGTH_BYTES or length > min(size - LENGTH_BYTES, LARGEST_HEADER):
                raise _invalid(path, f"header length {length} does not fit a file of {size} bytes")
            parsed = json.loads(stream.read(length))
    except OSError as error:
        raise _invalid(path, f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise _invalid(path, f"header is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise _invalid(path, "header is not a JSON object")
    entries = {name: _entry(path, name, value) for name, value in parsed.items() if name != METADATA}
    _check_coverage(path, entries, size - LENGTH_BYTES - length)
    return entries


def _entry(path: Path, name: str, value: Any) -> TensorEntry:  # noqa: ANN401 - foreign JSON
    try:
        start, stop = value["data_offsets"]
        entry = TensorEntry(value["dtype"], tuple(value["shape"]), start, stop)
        bits = BITS[entry.dtype]
        whole = all(isinstance(one, int) and one >= 0 for one in (*entry.shape, start, stop))
    except (KeyError, TypeError, ValueError) as error:
        raise _invalid(path, f"tensor {name!r} has no valid dtype, shape and data_offsets") from error
    if not whole or (entry.values * bits + 7) // 8 != stop - start:
        raise _invalid(path, f"tensor {name!r}: {entry.dtype} {list(entry.shape)} does not fill bytes {start}..{stop}")
    return entry


def _check_coverage(path: Path, entries: dict[str, TensorEntry], available: int) -> None:
    end = 0
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].start, item[1].stop)):
        if entry.start != end:
            raise _invalid(path, f"tensor {name!r} starts at byte {entry.start}, expected {end}")
        if entry.stop > available:
            raise _invalid(path, f"truncated: tensor {name!r} ends at byte {entry.stop} of {available} there are")
        end = entry.stop
    if end != available:
        raise _invalid(path, f"tensors cover {end} bytes, the file holds {available}")


def _invalid(path: Path, message: str) -> InputError:
    return InputError(
        ErrorCode.WEIGHTS_INVALID, f"{path.name}: {message}", "the file is truncated or not safetensors: get it again"
    )
