"""AdamW as a recipe states it, clipping included."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class OptimizerSettings:
    """AdamW with a constant rate after a linear warm-up; gradients are clipped to a global norm."""

    learning_rate: float
    beta1: float
    beta2: float
    epsilon: float
    weight_decay: float
    gradient_clip: float
    warmup_steps: int

    def rate_at(self, step: int) -> float:
        """Learning rate of ``step``, counted from 0.

        >>> OptimizerSettings(1.0, 0.9, 0.999, 1e-10, 0.0, 0.5, 4).rate_at(1)
        0.5
        """
        if step >= self.warmup_steps:
            return self.learning_rate
        return self.learning_rate * (step + 1) / self.warmup_steps


class Optimizer:
    """One optimizer over a fixed list of parameters."""

    def __init__(self, parameters: Iterable[nn.Parameter], settings: OptimizerSettings) -> None:
        self.parameters: Sequence[nn.Parameter] = list(parameters)
        self._settings = settings
        self._adam = torch.optim.AdamW(
            self.parameters,
            lr=settings.learning_rate,
            betas=(settings.beta1, settings.beta2),
            eps=settings.epsilon,
            weight_decay=settings.weight_decay,
            foreach=True,
        )

    def zero_grad(self) -> None:
        """Forget all gradients."""
        self._adam.zero_grad(set_to_none=True)

    def step(self, step: int) -> Tensor:
        """Clip, update, and return the gradient norm before clipping (shape ()).

        The caller has already summed gradients over ranks.
        """
        norm = nn.utils.clip_grad_norm_(self.parameters, self._settings.gradient_clip, foreach=True)
        for group in self._adam.param_groups:
            group["lr"] = self._settings.rate_at(step)
        self._adam.step()
        return norm
