"""NPZ files of sources, read without pickle and with their damage named."""

import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data_contracts.source_fault import FaultRule
from tasks.ingest.fault import SourceFault, SourceFaultError

MAGIC = b"\x93NUMPY"
EXPECTED = "an NPZ of plain number arrays"
REWRITE = "write it again with numpy.savez"
UNREADABLE = (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
NUMBERS = {"f": "floating point", "iu": "integer"}


def load_arrays(path: Path, file: str, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """The named arrays; others in the file are not looked at.

    Args:
        path: the NPZ.
        file: its name in messages.
        required: arrays that must be there.
        optional: arrays that are read where they are there.

    Raises:
        SourceFaultError: the file is not an NPZ of plain arrays, or a required one is missing.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            present = {name.removesuffix(".npy") for name in archive.namelist()}
            missing = [name for name in required if name not in present]
            if missing:
                raise _fault(file, missing[0], f"only {', '.join(sorted(present)) or 'nothing'}", "this array", REWRITE)
            wanted = [*required, *(name for name in optional if name in present)]
            return {name: _array(archive.read(f"{name}.npy"), file, name) for name in wanted}
    except UNREADABLE as error:
        raise _fault(file, "", _damage(path, error), EXPECTED, REWRITE) from error


def check_kind(array: np.ndarray, kinds: str, file: str, field: str, fix: str) -> None:
    """Refuse an array of other numbers.

    Args:
        array: what was read.
        kinds: NumPy's letters of the allowed kinds, a key of ``NUMBERS``.
        file: its file in messages.
        field: its name in messages.
        fix: what to write instead.

    Raises:
        SourceFaultError: it holds something else.
    """
    if array.dtype.kind not in kinds:
        raise _fault(file, field, str(array.dtype), f"{NUMBERS[kinds]} numbers", fix)


def check_shape(array: np.ndarray, shape: tuple[int | None, ...], file: str, field: str) -> None:
    """Refuse an array of another shape; None stands for any size.

    Raises:
        SourceFaultError: its shape differs.
    """
    fits = len(array.shape) == len(shape) and all(
        want in (None, size) for want, size in zip(shape, array.shape, strict=True)
    )
    if not fits:
        expected = " x ".join("N" if size is None else str(size) for size in shape)
        raise _fault(file, field, f"shape {array.shape}", expected, "write the array in that shape")


def _array(data: bytes, file: str, name: str) -> np.ndarray:
    """One member: its header is read first, so that nothing is unpickled and no more is allocated than is there."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(stream)
    if dtype.hasobject:
        raise _fault(file, name, "pickled Python objects", "numbers; pickles are never loaded", REWRITE)
    if int(np.prod(shape, dtype=object)) * dtype.itemsize != len(data) - stream.tell():
        raise _fault(file, name, f"{len(data)} bytes", f"a {dtype} array of shape {shape}", REWRITE)
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)


def _damage(path: Path, error: Exception) -> str:
    head = path.read_bytes()[:6] if path.is_file() else b""
    if not head:
        return "0 bytes" if path.is_file() else "no such file"
    if head == MAGIC:
        return "a single NPY array"
    if head[:1] == b"\x80":
        return "a pickle, which is never loaded"
    return f"{path.stat().st_size} bytes that are no whole NPZ ({' '.join(str(error).split())})"


def _fault(file: str, name: str, found: str, expected: str, fix: str) -> SourceFaultError:
    field = f"array {name}" if name else ""
    return SourceFaultError(SourceFault(FaultRule.SIDECAR, file, field, found, expected, fix))
