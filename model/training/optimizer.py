"""AdamW as a recipe states it, clipping included."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class OptimizerSettings:
    """AdamW, constant rate between a linear warm-up and a linear cool-down, gradients clipped to a global norm."""

    learning_rate: float
    beta1: float
    beta2: float
    epsilon: float
    weight_decay: float
    gradient_clip: float
    warmup_steps: int
    cooldown_steps: int
    steps: int

    def rate_at(self, step: int) -> float:
        """Learning rate of ``step``, counted from 0.

        >>> settings = OptimizerSettings(1.0, 0.9, 0.999, 1e-10, 0.0, 0.5, 4, 2, 10)
        >>> [settings.rate_at(step) for step in (1, 5, 9)]
        [0.5, 1.0, 0.5]
        """
        up = (step + 1) / self.warmup_steps if self.warmup_steps else 1.0
        down = (self.steps - step) / self.cooldown_steps if self.cooldown_steps else 1.0
        return self.learning_rate * min(up, down, 1.0)


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

    def clip(self) -> float:
        """Clip gradients (already summed over ranks) to the recipe's norm; the norm they had before."""
        return float(nn.utils.clip_grad_norm_(self.parameters, self._settings.gradient_clip, foreach=True))

    def apply(self, step: int) -> float:
        """Update the parameters; the learning rate that was used."""
        rate = self._settings.rate_at(step)
        for group in self._adam.param_groups:
            group["lr"] = rate
        self._adam.step()
        return rate
