"""What a release says of itself: ``model_version.json`` and ``gates.json``."""

from pydantic import Field

from data_contracts.base import Record


class GateResult(Record):
    """One gate: what was measured, what it must be, and whether it is. ``value`` is None where a text says it all."""

    gate: str
    passed: bool
    value: float | None = None
    limit: float | None = None
    detail: str = ""


class LicensedPart(Record):
    """A tool or weight in a release's closure, with the licence of the thing itself (not of the code around it)."""

    name: str
    licence: str


class ModelVersion(Record):
    """``model_version.json``. A version is named after its content: the same bundle is the same version.

    ``version`` are the first twelve digits of ``bundle``, the SHA-256 over the bundle's manifest; ``weights`` is that
    of ``model.safetensors``. ``clip_ids`` are the accepted clips behind it, ``licences`` theirs and those of the parts.
    """

    name: str
    version: str = Field(min_length=12, max_length=12)
    bundle: str
    weights: str
    use: str
    numerics: str
    clip_ids: list[str]
    licences: list[str]
    metrics: dict[str, float]
