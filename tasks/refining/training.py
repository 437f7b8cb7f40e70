"""The refiner's loop on one rank: pairs in turn, one a step; gradients summed over the ranks."""

from dataclasses import dataclass

import torch
from torch import nn

from data_contracts.recipe import HeldOutRecipe, OptimizerRecipe
from infra.stage import ProgressSink
from model.refiner.training import RefinerObjective
from model.training.from_recipe import optimizer_of
from model.training.generators import named_generator
from model.training.loop import StepResult, check_finite
from model.training.optimizer import Optimizer
from model.training.ranks import Ranks
from tasks.refining.pairs import Pairs

Plan = tuple[OptimizerRecipe, int, str]  # optimizer, number of steps, and the name of what is trained


@dataclass(frozen=True)
class RefinerTraining:
    """Trains base and adapters alike.

    Attributes:
        pairs: this rank's, and the fixed held-out ones.
        ranks: this process's place.
        seed: of noise and noise levels.
        progress: where to report.
    """

    pairs: Pairs
    ranks: Ranks
    seed: int
    progress: ProgressSink

    def run(
        self, transformer: nn.Module, parameters: list[nn.Parameter], objective: RefinerObjective, plan: Plan
    ) -> list[StepResult]:
        """Train ``parameters`` in place.

        Raises:
            OperationError: the loss or the gradient is not finite.
        """
        recipe, steps, name = plan
        optimizer = Optimizer(parameters, optimizer_of(recipe, steps))
        self.progress.start(name, steps)
        results = []
        for step in range(steps):
            generator = named_generator(self.seed, "refiner", name, step, self.ranks.data_rank)
            optimizer.zero_grad()
            pair = self.pairs.training[step % len(self.pairs.training)]
            share = objective.loss(transformer, pair, generator) / self.ranks.data_size
            share.backward()
            self.ranks.sum_gradients(optimizer.parameters)
            value, norm = float(self.ranks.sum(share)), optimizer.clip()
            check_finite(value, step, f"refiner {name} loss")
            check_finite(norm, step, f"refiner {name} gradient norm")
            results.append(StepResult(value, norm, optimizer.apply(step)))
            self.progress.advance()
        return results

    @torch.no_grad()
    def measure(self, transformer: nn.Module, objective: RefinerObjective, recipe: HeldOutRecipe) -> float:
        """Mean loss at the middles of equal parts of the noise distribution, on fixed noise, over all ranks."""
        total = torch.zeros((), dtype=torch.float64)
        for number, pair in self.pairs.held_out.items():
            for part in range(recipe.noise_levels):
                generator = named_generator(recipe.seed, "refiner", number, part)
                uniform = torch.full((len(pair.target),), (part + 0.5) / recipe.noise_levels)
                total += objective.loss_at(transformer, pair, uniform, generator).double()
        return float(self.ranks.sum(total)) / (len(self.pairs.clip_ids) * recipe.noise_levels)
