"""What differs between two contract sets, and which version number that asks for."""

from collections.abc import Iterator
from enum import StrEnum

from data_contracts.base import Record
from data_contracts.contract import Column, Contract, QualityRule
from data_contracts.contract_loader import ContractSet
from data_contracts.licence import LicenceTable, Use

NARROWER = {("number", "integer")}
"""Types that hold less than the one before them."""
COMMON = "(common)"


class Bump(StrEnum):
    """The part of a version that has to grow, least first."""

    NONE = "none"
    PATCH = "patch"
    MINOR = "minor"
    MAJOR = "major"


BUMPS = list(Bump)


class ContractChange(Record):
    """One difference: of which contract and what, from what to what ("" = absent), and the version it asks for."""

    contract: str
    subject: str
    before: str
    after: str
    needs: Bump


def contract_changes(before: ContractSet, after: ContractSet, licences: LicenceTable) -> list[ContractChange]:
    """Every difference of two sets, contract by contract.

    A removed column, a narrowed type, a column that becomes required and a licence that allows more uses than before
    ask for a major version; rules and new columns for a minor one; words for a patch.
    """
    old, new = _by_name(before), _by_name(after)
    found: list[ContractChange] = []
    for name in sorted(old.keys() | new.keys()):
        if name not in new or name not in old:
            gone = name not in new
            states = ("in force", "") if gone else ("", "in force")
            found.append(
                ContractChange(
                    contract=name,
                    subject="contract",
                    before=states[0],
                    after=states[1],
                    needs=Bump.MAJOR if gone else Bump.MINOR,
                )
            )
        else:
            found += _of_contract(name, old[name], new[name], licences)
    return found


def version_problems(before: ContractSet, after: ContractSet, changes: list[ContractChange]) -> list[str]:
    """Contracts whose version grew by less than their changes ask for, and rules that changed under one version."""
    old, new = _by_name(before), _by_name(after)
    problems = []
    for name in sorted({change.contract for change in changes} & old.keys() & new.keys()):
        needed = max((change.needs for change in changes if change.contract == name), key=BUMPS.index)
        grown = _grown(old[name].version, new[name].version)
        if BUMPS.index(grown) < BUMPS.index(needed):
            problems.append(
                f"{name}: version {old[name].version} to {new[name].version} is a {grown.value} step, "
                f"its changes ask for a {needed.value} one"
            )
        problems += _stale_rules(name, old[name], new[name])
    return problems


def _by_name(contracts: ContractSet) -> dict[str, Contract]:
    return {COMMON: contracts.common, **contracts.by_source}


def _of_contract(name: str, old: Contract, new: Contract, licences: LicenceTable) -> Iterator[ContractChange]:
    yield from _of_columns(name, old, new)
    yield from _of_rules(name, old, new)
    if old.licence != new.licence:
        allowed = [{use for use in Use if licences.allows(one.licence, use)} for one in (old, new)]
        looser = bool(allowed[1] - allowed[0])
        needs = Bump.MAJOR if looser else Bump.MINOR
        yield ContractChange(contract=name, subject="licence", before=old.licence, after=new.licence, needs=needs)
    for field in ("owner", "status", "description"):
        values = str(getattr(old, field)), str(getattr(new, field))
        if values[0] != values[1]:
            yield ContractChange(contract=name, subject=field, before=values[0], after=values[1], needs=Bump.PATCH)


def _of_columns(name: str, old: Contract, new: Contract) -> Iterator[ContractChange]:
    before, after = _columns(old), _columns(new)
    for key in sorted(before.keys() | after.keys()):
        left, right = before.get(key), after.get(key)
        if left == right:
            continue
        told = [_tell_column(one) for one in (left, right)]
        needs = _column_bump(left, right)
        yield ContractChange(contract=name, subject=f"column {key}", before=told[0], after=told[1], needs=needs)


def _columns(contract: Contract) -> dict[str, Column]:
    return {f"{table.name}:{column.name}": column for table in contract.tables for column in table.properties}


def _tell_column(column: Column | None) -> str:
    if column is None:
        return ""
    return f"{column.logicalType}{'' if column.required else ', optional'}"


def _column_bump(left: Column | None, right: Column | None) -> Bump:
    if right is None:
        return Bump.MAJOR
    if left is None:
        return Bump.MINOR
    if left.logicalType != right.logicalType:
        widened = (right.logicalType, left.logicalType) in NARROWER
        return Bump.MINOR if widened else Bump.MAJOR
    if right.required and not left.required:
        return Bump.MAJOR
    return Bump.PATCH if left.required == right.required else Bump.MINOR


def _of_rules(name: str, old: Contract, new: Contract) -> Iterator[ContractChange]:
    before, after = _rules(old), _rules(new)
    for key in sorted(before.keys() | after.keys()):
        left, right = before.get(key), after.get(key)
        if left is None or right is None:
            told = [_tell_rule(one) for one in (left, right)]
            yield ContractChange(contract=name, subject=f"rule {key}", before=told[0], after=told[1], needs=Bump.MINOR)
            continue
        for field in QualityRule.model_fields:
            values = getattr(left, field), getattr(right, field)
            if field != "version" and values[0] != values[1]:
                words = field in {"reason", "dimension"}
                yield ContractChange(
                    contract=name,
                    subject=f"rule {key} {field}",
                    before="" if values[0] is None else str(values[0]),
                    after="" if values[1] is None else str(values[1]),
                    needs=Bump.PATCH if words else Bump.MINOR,
                )
    gone = {exempt.id for exempt in old.not_applied} ^ {exempt.id for exempt in new.not_applied}
    for rule in sorted(gone):
        exempt = [any(one.id == rule for one in contract.not_applied) for contract in (old, new)]
        told = ["not applied" if one else "applied" for one in exempt]
        yield ContractChange(contract=name, subject=f"rule {rule}", before=told[0], after=told[1], needs=Bump.MINOR)


def _rules(contract: Contract) -> dict[str, QualityRule]:
    return {f"{rule.id} ({rule.metric} by {rule.scorer})": rule for rule in contract.quality}


def _tell_rule(rule: QualityRule | None) -> str:
    if rule is None:
        return ""
    low, high = ("" if one is None else f"{one:g}" for one in (rule.minimum, rule.maximum))
    return f"{low}..{high}"


def _stale_rules(name: str, old: Contract, new: Contract) -> Iterator[str]:
    before, after = _rules(old), _rules(new)
    for key in sorted(before.keys() & after.keys()):
        left, right = before[key], after[key]
        meaning = [one.model_dump(exclude={"version", "reason", "dimension"}) for one in (left, right)]
        if meaning[0] != meaning[1] and right.version <= left.version:
            yield f"{name}: rule {key} changed and is still version {right.version}; make it {left.version + 1}"


def _grown(old: str, new: str) -> Bump:
    before, after = ([int(part) for part in version.split(".")] for version in (old, new))
    if after <= before:
        return Bump.NONE
    for bump, place in ((Bump.MAJOR, 0), (Bump.MINOR, 1)):
        if after[place] > before[place]:
            return bump
    return Bump.PATCH
