"""Step results as ``metrics.json``."""

from collections.abc import Sequence

from data_contracts.training import TrainingMetrics
from model.training.loop import StepResult


def metrics_of(results: Sequence[StepResult]) -> TrainingMetrics:
    """One number per step."""
    return TrainingMetrics(
        loss=[result.loss for result in results],
        gradient_norm=[result.gradient_norm for result in results],
        learning_rate=[result.learning_rate for result in results],
    )
