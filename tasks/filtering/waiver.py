"""Which clip and rule a steward means, before a waiver is signed."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from data_contracts.contract_loader import ContractSet
from data_contracts.decision import Waiver
from data_contracts.errors import ErrorCode, InputError
from tasks.filtering.report import verdict_table

LONGEST_DAYS = 366
SHORTEST_NAME = 4


def checked_waiver(artifacts: Path, contracts: ContractSet, clip: str, rule: str, until: str) -> Waiver:
    """A waiver of one rule for one clip of the newest verdicts.

    Args:
        artifacts: directory with one checkout an artifact.
        contracts: the rules.
        clip: a clip id, the beginning of one, or a listed path.
        rule: a rule that the clip fails, or that is waived for it already.
        until: last day, ``YYYY-MM-DD``, UTC.

    Raises:
        InputError: the clip or the rule is unknown, may not be waived, passes, or the day is out of range.
    """
    verdict = _verdict(artifacts, clip)
    _check_rule(contracts, rule)
    failing = sorted({*verdict["reasons"], *verdict["waived"]})
    if rule not in failing:
        told = ", ".join(failing) or "no rule"
        raise InputError(
            ErrorCode.REQUEST_INVALID,
            f"RULE is {rule!r}: clip {verdict['clip_id']} does not fail it; it fails {told}",
            "`wm why CLIP` shows every rule of the clip",
        )
    return Waiver(clip_id=verdict["clip_id"], rule=rule, until=_day(until))


def _verdict(artifacts: Path, clip: str) -> dict[str, object]:
    named = pl.col("path") == clip
    if len(clip) >= SHORTEST_NAME:
        named |= pl.col("clip_id").str.starts_with(clip)
    found = pl.scan_parquet(verdict_table(artifacts)).filter(named & (pl.col("clip_id") != "")).collect()
    ids = found["clip_id"].unique().to_list()
    if len(ids) != 1:
        told = f"is the beginning of {len(ids)} clip ids" if ids else "is no readable clip of this workdir"
        raise InputError(
            ErrorCode.ARTIFACT_UNKNOWN, f"CLIP is {clip!r}: it {told}", "`wm corpus stats --json` lists clip ids"
        )
    return {**found.row(0, named=True), "reasons": _union(found, "reasons"), "waived": _union(found, "waived")}


def _union(rows: pl.DataFrame, column: str) -> list[str]:
    """Exact duplicates share an id, and the waiver holds for each of them."""
    return sorted({rule for rules in rows[column].to_list() for rule in rules})


def _check_rule(contracts: ContractSet, name: str) -> None:
    rules = contracts.rules_by_id()
    if name not in rules:
        raise InputError(
            ErrorCode.REQUEST_INVALID, f"RULE is {name!r}; rules are {', '.join(sorted(rules))}", "pass one of them"
        )
    if not rules[name].waivable:
        raise InputError(
            ErrorCode.REQUEST_INVALID,
            f"RULE is {name!r}: no waiver can lift it",
            "correct the source's data, or change the contract with a new version",
        )


def _day(until: str) -> date:
    today = datetime.now(UTC).date()
    last = today + timedelta(days=LONGEST_DAYS)
    try:
        day = date.fromisoformat(until)
    except ValueError:
        day = None
    if day is None or not today <= day <= last:
        raise InputError(
            ErrorCode.REQUEST_INVALID,
            f"--until is {until!r}; allowed are days from {today} to {last}",
            "pass a day as YYYY-MM-DD; what should hold for ever belongs into the contract",
        )
    return day
