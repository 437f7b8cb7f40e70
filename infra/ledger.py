"""The stewards' ledger of a workdir: append-only, each line signed (Ed25519) and chained to the one before it.

``ledger/ledger.jsonl`` holds the lines and ``ledger/head.json``, signed as well, how many there are, so that neither a
changed byte nor a removed line goes unseen. A line counts once its newline is on disk: what a killed writer left of
one is dropped by the next.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import ValidationError

from data_contracts.decision import Decisions, LedgerEntry, Revocation, Takedown, VerdictChange, Waiver, in_force
from data_contracts.errors import ErrorCode, InputError
from infra.files import write_atomic
from infra.signing import ensure_key, trusted_key
from infra.workdir import Workdir

FIX = "restore the ledger from a copy; decisions are never edited, only revoked"


class Ledger:
    """Reads and appends the decisions of one workdir."""

    def __init__(self, workdir: Workdir) -> None:
        self.root = workdir.root / "ledger"
        self._keys = workdir.root / "keys"
        self._lines = self.root / "ledger.jsonl"
        self._head = self.root / "head.json"

    def entries(self) -> list[LedgerEntry]:
        """Every entry, oldest first, once signatures, chain and count hold.

        Raises:
            InputError: a line was changed, moved, added or cut off; the first is named.
        """
        if not self._lines.exists() and not self._head.exists():
            return []
        lines = self._whole_lines()
        key = trusted_key(self._keys)
        entries, previous = [], ""
        for number, line in enumerate(lines, 1):
            entries.append(_verified(line, number, previous, key))
            previous = _digest(line)
        self._check_head(lines, key)
        return entries

    def append(
        self, body: Waiver | Takedown | Revocation | VerdictChange, by: str, reason: str, at: datetime | None = None
    ) -> LedgerEntry:
        """Sign an entry and add it; it is on disk when this returns.

        Raises:
            InputError: the ledger so far does not verify, or a field is out of range.
        """
        with self._locked():
            self.entries()
            lines = self._whole_lines()
            entry = _entry(len(lines) + 1, at or datetime.now(UTC), by, reason, lines, body)
            key = ensure_key(self._keys)
            lines.append(_signed_line(entry.model_dump(mode="json"), key))
            self._write(lines, key)
        return entry

    def decisions(self) -> Decisions:
        """What is in force now."""
        return in_force(self.entries())

    def changes_path(self, sequence: int) -> Path:
        """The table behind a ``VerdictChange``."""
        return self.root / "changes" / f"{sequence:06}.parquet"

    def next_sequence(self) -> int:
        """Number of the next entry, for a table that is written before it."""
        return len(self._whole_lines()) + 1

    def _whole_lines(self) -> list[str]:
        """Lines that end in a newline."""
        text = self._lines.read_text() if self._lines.exists() else ""
        return text.split("\n")[:-1]

    def _write(self, lines: list[str], key: Ed25519PrivateKey) -> None:
        """The line first: a head that lags by what a killed writer appended still verifies, one ahead never does."""
        with self._lines.open("r+" if self._lines.exists() else "w") as stream:
            kept = "".join(f"{line}\n" for line in lines[:-1])
            stream.seek(len(kept.encode()))
            stream.truncate()
            stream.write(f"{lines[-1]}\n")
            stream.flush()
            os.fsync(stream.fileno())
        head = {"entries": len(lines), "last": _digest(lines[-1])}
        write_atomic(self._head, _signed_line(head, key))

    def _check_head(self, lines: list[str], key: Ed25519PublicKey) -> None:
        if not self._head.exists():
            if len(lines) > 1:
                raise _refused("ledger/head.json is missing")
            return
        head = _payload(self._head.read_text(), "ledger/head.json", key)
        count = int(str(head["entries"]))
        if len(lines) < count or _digest(lines[count - 1]) != head["last"]:
            raise _refused(f"the ledger has {len(lines)} lines, its signed head counts {count}: lines were cut off")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time; it waits, since nobody holds the lock for longer than a write."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("a+") as stream:
            fcntl.lockf(stream, fcntl.LOCK_EX)
            yield


def _entry(
    sequence: int,
    at: datetime,
    by: str,
    reason: str,
    lines: list[str],
    body: Waiver | Takedown | Revocation | VerdictChange,
) -> LedgerEntry:
    previous = _digest(lines[-1]) if lines else ""
    try:
        return LedgerEntry(sequence=sequence, at=at, by=by, reason=reason, previous=previous, body=body)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(
            ErrorCode.CONFIG_INVALID, f"{field} is {first['input']!r}: {first['msg']}", f"pass another {field}"
        ) from error


def _signed_line(payload: dict[str, object], key: Ed25519PrivateKey) -> str:
    signature = key.sign(_canonical(payload).encode()).hex()
    return _canonical({"payload": payload, "signature": signature})


def _verified(line: str, number: int, previous: str, key: Ed25519PublicKey) -> LedgerEntry:
    place = f"ledger line {number}"
    payload = _payload(line, place, key)
    try:
        entry = LedgerEntry.model_validate(payload)
    except ValidationError as error:
        raise _refused(f"{place}: {error.errors()[0]['msg']}") from error
    if entry.sequence != number or entry.previous != previous:
        raise _refused(f"{place}: it does not follow the line before it")
    return entry


def _payload(line: str, place: str, key: Ed25519PublicKey) -> dict[str, object]:
    """What a line says, if its signature holds and no byte of it could have been written otherwise."""
    try:
        record = json.loads(line)
        payload, signature = record["payload"], bytes.fromhex(record["signature"])
    except (ValueError, KeyError, TypeError):
        raise _refused(f"{place}: it is not a signed line") from None
    try:
        key.verify(signature, _canonical(payload).encode())
    except InvalidSignature:
        raise _refused(f"{place}: the signature does not match what it says") from None
    if line != _canonical(record):
        raise _refused(f"{place}: it was written otherwise than it was signed")
    return payload


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _digest(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()


def _refused(message: str) -> InputError:
    return InputError(ErrorCode.SIGNATURE_INVALID, message, FIX)
