"""What a run declares of itself and the recipes cannot know: its use, and the stewards' decisions of the day."""

from dataclasses import dataclass, field

from data_contracts.decision import Decisions
from infra.ledger import Ledger
from infra.workdir import Workdir


@dataclass(frozen=True)
class Declaration:
    """Values that replace those of a recipe which has their keys."""

    use: str
    decisions: Decisions = field(default_factory=Decisions)

    @property
    def values(self) -> dict[str, object]:
        """Recipe key -> value."""
        return {"use": self.use, **self.decisions.model_dump(mode="json")}


def declare(workdir: Workdir, use: str) -> Declaration:
    """The declaration of a run that starts now in this workdir.

    Raises:
        InputError: the ledger does not verify.
    """
    return Declaration(use, Ledger(workdir).decisions())
