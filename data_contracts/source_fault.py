"""Why an input is quarantined although its pixels may be sound: what the readers of sources find."""

from enum import StrEnum


class FaultRule(StrEnum):
    """The ids of the reader's rules in ``contracts/clips.yaml``."""

    SIDECAR = "sidecar_invalid"
    INDEX = "index_invalid"
    NOT_FINITE = "value_not_finite"
    UNIT = "unit_implausible"
