"""The base of every stored or sent record."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Frozen, strict about unknown fields, and never silently NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
