"""Launch plans: block sizes, warps and pipeline stages of each kernel, from a table that is checked in.

Nothing is tuned at run time. ``python -m kernels.tune`` measures the candidates on the device at hand and prints rows
to add; a device or size without a row takes the nearest one, which is always valid and at worst slow.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

TABLE = Path(__file__).with_name("plan_table.json")


@dataclass(frozen=True)
class Plan:
    """How one kernel is launched.

    Attributes:
        block: tokens (or state rows, in the scan) a program handles at once.
        warps: warps a program.
        stages: depth of the software pipeline.
        splits: programs that share the tokens of one frame and head.
    """

    block: int
    warps: int
    stages: int
    splits: int = 1


@dataclass(frozen=True)
class PlanKey:
    """What a plan is looked up by: ``long`` is a clip, else a streaming chunk with too few frames to fill a device."""

    kernel: str
    exact: bool
    long: bool
    half: int
    capability: int = 90


@lru_cache(maxsize=1)
def table() -> dict[PlanKey, Plan]:
    """Every row of the table."""
    rows = json.loads(TABLE.read_text())
    return {PlanKey(**row["key"]): Plan(**row["plan"]) for row in rows}


def plan_for(key: PlanKey) -> Plan:
    """The plan of the row that differs least from ``key``: first in device, then in size, then in length.

    Raises:
        KeyError: if the table has no row for the kernel and precision at all.
    """
    rows = table()
    if key in rows:
        return rows[key]
    candidates = [row for row in rows if row.kernel == key.kernel and row.exact == key.exact]
    if not candidates:
        raise KeyError(f"no launch plan for kernel {key.kernel!r}, exact={key.exact} in {TABLE.name}")
    return rows[min(candidates, key=lambda row: _distance(row, key))]


def _distance(row: PlanKey, key: PlanKey) -> tuple[int, int, bool]:
    return abs(row.capability - key.capability), abs(row.half - key.half), row.long != key.long
