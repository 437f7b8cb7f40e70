"""A data contract: who owns a dataset, what its tables hold and which rules its clips keep.

The files in ``contracts/`` follow the Open Data Contract Standard (v3): one for what all clips have in common and one
for each source, which extends it. They are the single source of every threshold: the polars verdicts and the Great
Expectations suite are both derived from them.
"""

from enum import StrEnum
from typing import Literal

from pydantic import Field, model_validator

from data_contracts.base import Record

ANY_RESOLUTION = "any"


class Origin(StrEnum):
    """Whose number it is. ``paper``: Table 6 or App. B.3, binding only the scorer it was stated for."""

    PAPER = "paper"
    OURS = "ours"


class Dimension(StrEnum):
    """What a rule is about, in the standard's words."""

    ACCURACY = "accuracy"
    COMPLETENESS = "completeness"
    CONFORMITY = "conformity"
    UNIQUENESS = "uniqueness"


class QualityRule(Record):
    """The closed range of one metric, as one scorer measures it at one resolution.

    Attributes:
        id: the reason a failing clip gets. Several cells may share it (the two ends of a field of view).
        version: grows with every change of meaning or number.
        metric: what is measured; ``scorer`` by what; ``resolution`` at which size and rate ("any": not stated, or not
            dependent on it).
        minimum: smallest allowed value, None = no limit; ``maximum`` likewise.
        origin: the paper's number or ours.
        reason: where the number comes from.
        stage: the stage that decides: ``ingest``, ``screen`` or ``filter``.
        required: a clip that the scorer could not measure fails.
        waivable: a steward may let a single clip pass it (``wm waive``).
        dimension: for the standard's readers.
    """

    id: str = Field(pattern=r"^[a-z0-9_]+$")
    version: int = Field(ge=1)
    metric: str
    scorer: str
    resolution: str = ANY_RESOLUTION
    minimum: float | None = None
    maximum: float | None = None
    origin: Origin
    reason: str
    stage: Literal["ingest", "screen", "filter"]
    required: bool = True
    waivable: bool = True
    dimension: Dimension = Dimension.ACCURACY

    @model_validator(mode="after")
    def _has_a_range(self) -> "QualityRule":
        if self.minimum is None and self.maximum is None:
            raise ValueError(f"rule {self.id} has neither minimum nor maximum")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"rule {self.id}: minimum {self.minimum} is above maximum {self.maximum}")
        return self


class NotApplied(Record):
    """A rule that a source is exempt from, with the reason (a dash in Table 6, for example)."""

    id: str
    reason: str


class Column(Record):
    """One column of a table."""

    name: str
    logicalType: Literal["string", "integer", "number", "array"]  # noqa: N815 - the standard's spelling
    required: bool = True
    description: str = ""


class Table(Record):
    """One table of the dataset, by its artifact path."""

    name: str
    description: str
    properties: list[Column]


class Contract(Record):
    """One contract file."""

    apiVersion: Literal["v3.0.2"]  # noqa: N815 - the standard's spelling
    kind: Literal["DataContract"]
    id: str
    name: str
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    status: Literal["draft", "active", "deprecated"]
    owner: str
    licence: str
    description: str
    source: str = Field(default="", description="the source it binds; empty for what all sources share")
    extends: str = ""
    tables: list[Table] = Field(default_factory=list, alias="schema")
    quality: list[QualityRule] = Field(default_factory=list)
    not_applied: list[NotApplied] = Field(default_factory=list)
