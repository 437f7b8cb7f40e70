"""Merging several adapters into one base: ``W + sum of strength B A`` in float32, cast once (App. A).

The released refiner is LTX-2's base with its own few-step adapter (rank 384) and the long-video one (rank 384). Alpha
equals the rank by LTX-2's convention; a file that says otherwise is refused. Modules bear the names of the library's
class; the spec gives no map from other names, so a module that the base has not is an error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

PREFIX = "diffusion_model."
DOWN, UP, ALPHA = ".lora_A.weight", ".lora_B.weight", ".alpha"


@dataclass(frozen=True)
class Adapter:
    """One low-rank adapter.

    Attributes:
        name: for the report and for errors.
        weights: ``diffusion_model.<module>.lora_A.weight`` (rank, inputs) and ``lora_B.weight`` (outputs, rank).
        strength: factor on it.
    """

    name: str
    weights: Mapping[str, Tensor]
    strength: float

    def pairs(self) -> dict[str, tuple[Tensor, Tensor]]:
        """Module -> A and B.

        Raises:
            ValueError: a tensor has no partner or another name, ranks differ, or alpha is not the rank.
        """
        found: dict[str, tuple[Tensor, Tensor]] = {}
        for key in sorted(self.weights):
            if key.endswith(DOWN):
                stem = key.removesuffix(DOWN)
                found[stem.removeprefix(PREFIX)] = self._pair(stem)
        named = {PREFIX + module + end for module in found for end in (DOWN, UP, ALPHA)}
        named |= {key.removeprefix(PREFIX) for key in named}
        strange = sorted(set(self.weights) - named)
        if strange:
            raise ValueError(f"adapter {self.name}: {strange[0]} is not half of a pair {DOWN}, {UP}")
        return found

    def _pair(self, stem: str) -> tuple[Tensor, Tensor]:
        if stem + UP not in self.weights:
            raise ValueError(f"adapter {self.name}: {stem + DOWN} needs {stem + UP}")
        down, up = self.weights[stem + DOWN], self.weights[stem + UP]
        if down.ndim != 2 or up.ndim != 2 or down.shape[0] != up.shape[1]:
            raise ValueError(f"adapter {self.name}: {stem} has A {tuple(down.shape)} and B {tuple(up.shape)}")
        alpha = self.weights.get(stem + ALPHA)
        if alpha is not None and float(alpha) != down.shape[0]:
            raise ValueError(f"adapter {self.name}: {stem} has alpha {float(alpha)} and rank {down.shape[0]}")
        return down, up


@dataclass(frozen=True)
class WeightChange:
    """What a merge did to one weight.

    Attributes:
        parts: adapter -> Frobenius norm of its change over that of the weight.
        total: the same of all changes together.
        lost: norm of what the cast rounded away over that of the change; near 1, the merge had no effect.
    """

    parts: dict[str, float]
    total: float
    lost: float


@dataclass(frozen=True)
class CombinedReport:
    """What a merge did: each changed weight, the base's other keys, and the strength of every adapter."""

    changed: dict[str, WeightChange]
    untouched: list[str]
    strengths: dict[str, float]


def merge_all(base: Mapping[str, Tensor], adapters: Sequence[Adapter]) -> tuple[dict[str, Tensor], CombinedReport]:
    """All adapters merged. Weights without a change are the base's own tensors, not copies.

    Raises:
        ValueError: two adapters share a name, one is malformed, or one names no weight of the base or does not fit it.
    """
    strengths = {adapter.name: adapter.strength for adapter in adapters}
    if len(strengths) != len(adapters):
        raise ValueError(f"adapters need different names, got {[adapter.name for adapter in adapters]}")
    changes = {adapter.name: adapter.pairs() for adapter in adapters}
    merged, changed = dict(base), {}
    for module in sorted({module for pairs in changes.values() for module in pairs}):
        key = f"{module}.weight"
        if key not in base:
            raise ValueError(f"an adapter names {module}; the base has no {key}")
        own = {name: pairs[module] for name, pairs in changes.items() if module in pairs}
        merged[key], changed[key] = _merged(key, base[key], own, strengths)
    return merged, CombinedReport(changed, sorted(set(base) - set(changed)), strengths)


def _merged(
    key: str, weight: Tensor, pairs: Mapping[str, tuple[Tensor, Tensor]], strengths: Mapping[str, float]
) -> tuple[Tensor, WeightChange]:
    before = weight.float()
    size, total, parts = before.norm().clamp(min=1e-30), before.new_zeros(before.shape), {}
    for name, (down, up) in pairs.items():
        if (up.shape[0], down.shape[1]) != tuple(before.shape):
            raise ValueError(f"adapter {name} makes {up.shape[0]}x{down.shape[1]} of {key}, which is {before.shape}")
        change = strengths[name] * (up.float() @ down.float())
        parts[name] = float(change.norm() / size)
        total += change
    after = (before + total).to(weight.dtype)
    lost = (after.float() - before - total).norm() / total.norm().clamp(min=1e-30)
    return after, WeightChange(parts, float(total.norm() / size), float(lost))
