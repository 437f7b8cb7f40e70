"""The training loop: batches in, one number per step out. It knows nothing of files or of stages."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from data_contracts.errors import ErrorCode, OperationError
from data_contracts.training import TrainingMetrics
from model.backbone import SanaWM
from model.codecs.protocols import EncodedText
from model.config import require_trainable
from model.training.draws import DrawSettings, draw_step
from model.training.example import Example
from model.training.generators import named_generator
from model.training.objective import FlowObjective
from model.training.optimizer import Optimizer, OptimizerSettings
from model.training.ranks import Ranks


@dataclass(frozen=True)
class StepResult:
    """One step: mean loss over the world's clips, gradient norm before clipping, learning rate."""

    loss: float
    gradient_norm: float
    learning_rate: float


def metrics_of(results: Sequence[StepResult]) -> TrainingMetrics:
    """Step results as they are stored."""
    return TrainingMetrics(
        loss=[result.loss for result in results],
        gradient_norm=[result.gradient_norm for result in results],
        learning_rate=[result.learning_rate for result in results],
    )


@dataclass(frozen=True)
class LoopSettings:
    """What a run of the loop needs besides model and data."""

    seed: int
    optimizer: OptimizerSettings
    draws: DrawSettings
    objective: FlowObjective


class FlowTrainer:
    """Trains a model in place, one step a call.

    Args:
        model: with its parameters on the device to train on; every rank holds the same values.
        null_text: the condition of a dropped caption.
        settings: of the run.
        ranks: this process's place.

    Raises:
        ValueError: the model's numerics profile is for inference only.
    """

    def __init__(self, model: SanaWM, null_text: EncodedText, settings: LoopSettings, ranks: Ranks) -> None:
        require_trainable(model.numerics)
        self._model = model
        self._null_text = null_text
        self._settings = settings
        self._ranks = ranks
        self._optimizer = Optimizer(model.parameters(), settings.optimizer)

    def step(self, step: int, example: Example) -> StepResult:
        """One update from this data-parallel group's clips.

        Raises:
            OperationError: the loss or the gradient is not finite; the model is left as it was.
        """
        self._optimizer.zero_grad()
        share = self._loss_share(step, example)
        share.backward()
        self._ranks.sum_gradients(self._optimizer.parameters)
        loss, norm = float(self._ranks.sum(share)), self._optimizer.clip()
        check_finite(loss, step, "loss")
        check_finite(norm, step, "gradient norm")
        return StepResult(loss, norm, self._optimizer.apply(step))

    def _loss_share(self, step: int, example: Example) -> Float[Tensor, ""]:
        """What this rank adds to the mean loss over all clips of the step."""
        objective, ranks = self._settings.objective, self._ranks
        generator = named_generator(self._settings.seed, "step", step, ranks.data_rank)
        layout = objective.layout(example.frames)
        draws = draw_step(example.latents.shape, layout, self._settings.draws, generator, ranks)
        example = example.with_dropped_text(draws.text_dropped, self._null_text)
        return objective.loss(self._model, example, draws, ranks) / ranks.data_size


def check_finite(value: float, step: int, what: str) -> None:
    """Stop a run that has diverged.

    Raises:
        OperationError: the value is NaN or infinite.
    """
    if not math.isfinite(value):
        raise OperationError(
            ErrorCode.GATE_FAILED,
            f"{what} is {value} at step {step}; it must stay finite",
            "lower optimizer.learning_rate in the recipe, or look for broken clips with `wm corpus validate`",
        )
