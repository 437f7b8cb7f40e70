"""Any exception becomes a coded error: what a user sees is a code, a message and a fix, never a traceback."""

import errno
import traceback
from collections.abc import Iterator
from pathlib import Path

from data_contracts.errors import ErrorCode, OperationError, SanaWMError

DISK_WORDS = ("no space left on device", "disk is full", "disk quota exceeded", "os error 28")
DISK_NUMBERS = (errno.ENOSPC, errno.EDQUOT)


def as_coded_error(error: Exception, log: Path) -> SanaWMError:
    """The coded form of an exception; the traceback of an unexpected one goes to ``log``."""
    chain = list(_chain(error))
    coded = next((link for link in chain if isinstance(link, SanaWMError)), None)
    if coded is not None:
        return coded
    if any(_is_disk_full(link) for link in chain):
        return OperationError(
            ErrorCode.DISK_FULL,
            f"no space left on the device that holds {log.parent.parent}",
            "free some space and run again; finished stages and clips are kept",
        )
    if isinstance(error, MemoryError):
        return OperationError(ErrorCode.CAPACITY, "out of memory", "lower `workers` in the profile, or free memory")
    return OperationError(
        ErrorCode.INTERNAL, f"{type(error).__name__}: {_first_line(error)}", f"see {_write_log(error, log)}"
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and what caused it, each once."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def _is_disk_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in DISK_NUMBERS:
        return True
    text = str(error).lower()
    return any(words in text for words in DISK_WORDS)


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def _write_log(error: Exception, log: Path) -> str:
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as stream:
            stream.write("".join(traceback.format_exception(error)))
    except OSError as failure:
        return f"nothing: the log {log} could not be written ({failure.strerror})"
    return str(log)
