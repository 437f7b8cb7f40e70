"""The contracts in force: read, checked against each other, and flattened to one rule list a source."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data_contracts.contract import Contract, QualityRule
from data_contracts.decision import WaivedRule
from data_contracts.errors import ErrorCode, InputError
from data_contracts.quality import Rule
from data_contracts.yaml_file import read_yaml

CONTRACTS = Path(__file__).parent / "contracts"


@dataclass(frozen=True)
class ContractSet:
    """The common contract and one contract a source.

    A source's rules are the common ones, but for those it replaces by an id of its own or is exempt from, and its own.
    A source without a contract keeps the common rules. ``waived`` are single clips that a steward lets pass a rule.
    """

    common: Contract
    by_source: dict[str, Contract]
    waived: frozenset[WaivedRule] = frozenset()

    def waiving(self, waived: Iterable[WaivedRule]) -> "ContractSet":
        """The same rules with these exemptions; one of a rule that may not be waived is ignored."""
        fixed = {rule.id for contract in self._all() for rule in contract.quality if not rule.waivable}
        return replace(self, waived=frozenset(one for one in waived if one.rule not in fixed))

    def rules_by_id(self) -> dict[str, QualityRule]:
        """Every rule by its id; of several cells that share one, the last."""
        return {rule.id: rule for contract in self._all() for rule in contract.quality}

    def _all(self) -> list[Contract]:
        return [self.common, *self.by_source.values()]

    def rules_of(self, source: str) -> list[QualityRule]:
        """The rules that bind clips of ``source``."""
        contract = self.by_source.get(source)
        if contract is None:
            return list(self.common.quality)
        gone = {rule.id for rule in contract.quality} | {exempt.id for exempt in contract.not_applied}
        return [rule for rule in self.common.quality if rule.id not in gone] + list(contract.quality)

    def flat(self, sources: Sequence[str]) -> list[Rule]:
        """One ``Rule`` a source and cell, for joins; each names exactly one source."""
        return [_flat(rule, source) for source in sorted(set(sources)) for rule in self.rules_of(source)]

    def version_of(self, source: str) -> str:
        """Version of the contract that decides about ``source``."""
        contract = self.by_source.get(source, self.common)
        return f"{contract.id} {contract.version}"


def load_contracts(folder: Path | None = None) -> ContractSet:
    """Read every contract of a folder.

    Raises:
        InputError: a file is not a contract, two bind one source, or one extends what is not there.
    """
    paths = [path for path in sorted((folder or CONTRACTS).glob("*.yaml")) if path.stem != "licences"]
    contracts = {path.stem: read_yaml(path, Contract) for path in paths}
    common = [contract for contract in contracts.values() if not contract.source]
    if len(common) != 1:
        raise _invalid(f"{len(common)} contracts have no source, exactly one must: the common one")
    by_source: dict[str, Contract] = {}
    for contract in contracts.values():
        if contract.source:
            _check(contract, common[0], by_source)
            by_source[contract.source] = contract
    return ContractSet(common[0], by_source)


def with_proposal(in_force: ContractSet, proposal: Path) -> ContractSet:
    """The set with one contract replaced by a file, or the set of a whole folder.

    Args:
        in_force: what a single file changes.
        proposal: a contract file, or a folder of them.

    Raises:
        InputError: the file is not a contract, or does not fit the others.
    """
    if proposal.is_dir():
        return load_contracts(proposal).waiving(in_force.waived)
    contract = read_yaml(proposal, Contract)
    if not contract.source:
        changed = replace(in_force, common=contract)
        for other in in_force.by_source.values():
            _check(other, contract, {})
        return changed
    _check(contract, in_force.common, {})
    return replace(in_force, by_source={**in_force.by_source, contract.source: contract})


def _check(contract: Contract, common: Contract, by_source: dict[str, Contract]) -> None:
    if contract.source in by_source:
        raise _invalid(f"two contracts bind source {contract.source!r}")
    if contract.extends != common.id:
        raise _invalid(f"contract {contract.id} extends {contract.extends!r}, allowed is {common.id!r}")
    known = {rule.id for rule in common.quality}
    unknown = [exempt.id for exempt in contract.not_applied if exempt.id not in known]
    if unknown:
        raise _invalid(f"contract {contract.id} is exempt from unknown rules {', '.join(unknown)}")


def _invalid(message: str) -> InputError:
    return InputError(ErrorCode.CONTRACT_INVALID, message, "correct the files in data_contracts/contracts")


def _flat(rule: QualityRule, source: str) -> Rule:
    return Rule(
        id=rule.id,
        version=rule.version,
        metric=rule.metric,
        scorer=rule.scorer,
        resolution=rule.resolution,
        minimum=rule.minimum,
        maximum=rule.maximum,
        sources=[source],
        origin=rule.origin.value,
        reason=rule.reason,
        required=rule.required,
        stage=rule.stage,
    )
