"""JSON sidecars of sources: parsed into a typed record, or one fault that names the field."""

import json
import math
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from data_contracts.source_fault import FaultRule
from tasks.ingest.fault import SourceFault, SourceFaultError, told

Sidecar = TypeVar("Sidecar", bound="SidecarRecord")


class SidecarRecord(BaseModel):
    """Base of what is read from a source's JSON: frozen, strict about types and NaN; other keys are the source's."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, strict=True)


def read_json(path: Path, file: str, record: type[Sidecar], fix: str) -> Sidecar:
    """Read the file as ``record``.

    Args:
        path: the JSON file.
        file: its name in messages.
        record: what it must hold.
        fix: what to do about a wrong one.

    Raises:
        SourceFaultError: it is not JSON, or a field is missing, of another type, NaN or infinite.
    """
    content = _parse(path, file, fix)
    try:
        return record.model_validate(content)
    except ValidationError as error:
        raise SourceFaultError(_first(error, file, fix)) from error


def _parse(path: Path, file: str, fix: str) -> Any:  # noqa: ANN401 - a JSON value
    if not path.is_file():
        raise _broken(file, "no such file", fix)
    data = path.read_bytes()
    if not data:
        raise _broken(file, "0 bytes", fix)
    try:
        return json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _broken(file, f"a byte that is no UTF-8 at {error.start}", fix) from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise _broken(file, f"text that is no JSON at {where} ({error.msg})", fix) from error
    except RecursionError as error:
        raise _broken(file, "brackets nested too deep", fix) from error


def _broken(file: str, found: str, fix: str) -> SourceFaultError:
    return SourceFaultError(SourceFault(FaultRule.SIDECAR, file, "", found, "a JSON object in UTF-8", fix))


def _first(error: ValidationError, file: str, fix: str) -> SourceFault:
    """The first wrong field; the number of others is told, they have one cause as a rule."""
    first, *others = error.errors()
    value = first["input"]
    missing = first["type"] == "missing"
    endless = isinstance(value, float) and not math.isfinite(value)
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    more = f" (and {len(others)} more fields)" if others else ""
    return SourceFault(
        rule=FaultRule.NOT_FINITE if endless else FaultRule.SIDECAR,
        file=file,
        field=f"field {place}{more}" if place else "",
        found="no such field" if missing else told(value),
        expected="this field" if missing else _expectation(first["msg"]),
        fix=fix,
    )


def _expectation(message: str) -> str:
    """Pydantic's words without their beginning: "Input should be a finite number" is "a finite number"."""
    return (
        message.removeprefix("Input should be ")
        .replace("List should have", "a list of")
        .replace(" after validation", "")
    )
