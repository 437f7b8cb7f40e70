"""What a run declares and the recipes cannot know: its use, its benchmark, and the stewards' decisions of the day."""

from dataclasses import dataclass, field
from pathlib import Path

from data_contracts.decision import Decisions
from infra.benchmark_input import BenchmarkInput, examine_benchmark
from infra.ledger import Ledger
from infra.settings import Settings
from infra.workdir import Workdir


@dataclass(frozen=True)
class Declaration:
    """Values that replace those of a recipe which has their keys."""

    use: str
    decisions: Decisions = field(default_factory=Decisions)
    benchmark: BenchmarkInput | None = None

    @property
    def values(self) -> dict[str, object]:
        """Recipe key -> value."""
        place = None if self.benchmark is None else {"path": str(self.benchmark.path), "digest": self.benchmark.id}
        return {"use": self.use, "benchmark": place, **self.decisions.model_dump(mode="json")}


def declare(workdir: Workdir, use: str, settings: Settings) -> Declaration:
    """The declaration of a run that starts now in this workdir under these settings.

    Raises:
        InputError: the ledger does not verify, or the configured benchmark cannot be read.
    """
    return Declaration(use, Ledger(workdir).decisions(), configured_benchmark(settings))


def configured_benchmark(settings: Settings) -> BenchmarkInput | None:
    """The published benchmark that the settings name; None where they name none.

    Raises:
        InputError: it cannot be read.
    """
    return examine_benchmark(Path(settings.benchmark)) if settings.benchmark else None
