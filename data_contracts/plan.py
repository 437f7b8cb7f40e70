"""What a run would do: ``wm plan`` says it, ``wm run`` then does it."""

from enum import StrEnum

from pydantic import Field

from data_contracts.base import Record


class PlanStatus(StrEnum):
    """Whether a stage would be served from what is stored."""

    HIT = "hit"
    MISS = "miss"


class StagePlan(Record):
    """One stage of a plan.

    ``reasons`` say why a stage is a miss. ``items`` is how many clips (or other units) it would touch at most, from its
    last production; ``seconds``, ``gpu_hours``, ``bytes`` and ``cost`` are estimates from there too. None = never ran.
    """

    name: str
    status: PlanStatus
    reasons: list[str]
    inputs: list[str]
    artifact: str
    items: int | None = Field(default=None, ge=0)
    seconds: float | None = Field(default=None, ge=0)
    gpu_hours: float | None = Field(default=None, ge=0)
    bytes: int | None = Field(default=None, ge=0)
    cost: float | None = Field(default=None, ge=0)


class RunPlan(Record):
    """The whole plan. The totals count the misses whose past is known; ``unknown`` names the others."""

    profile: str
    stages: list[StagePlan]
    seconds: float
    gpu_hours: float
    bytes: int
    cost: float
    currency: str
    unknown: list[str]
