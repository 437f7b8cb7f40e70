"""A stage's objective on fixed held-out clips and fixed noise, so that two checkpoints can be compared."""

from dataclasses import dataclass

import torch

from model.backbone import SanaWM
from model.training.draws import StepDraws
from model.training.example import Example
from model.training.generators import named_generator
from model.training.noise_levels import NoiseLevels, quantile_index
from model.training.objective import FlowObjective
from model.training.ranks import Ranks


@dataclass(frozen=True)
class HeldOutSet:
    """The fixed clips, how often each is noised, and the seed of the noise.

    Clips are noised at the middles of equal parts of the training distribution, with the first frame given and captions
    in place: the condition a trained model is used under.
    """

    examples: list[Example]
    noise_levels: int
    seed: int

    @torch.no_grad()
    def measure(
        self,
        model: SanaWM,
        objective: FlowObjective,
        levels: NoiseLevels,
        ranks: Ranks,
        shuffled_cameras: bool = False,
    ) -> float:
        """Mean loss over clips and noise levels; whole batches go round the data-parallel groups."""
        total = torch.zeros((), dtype=torch.float64)
        cases = [(number, part) for number in range(len(self.examples)) for part in range(self.noise_levels)]
        for turn, (number, part) in enumerate(cases):
            if turn % ranks.data_size != ranks.data_rank:
                continue
            example = self.examples[number]
            example = example.with_shuffled_cameras() if shuffled_cameras else example
            generator = named_generator(self.seed, "held-out", number, part)
            layout, base = objective.layout(example.frames), quantile_index(part, self.noise_levels)
            draws = StepDraws(
                indices=torch.stack([levels.spread(base, layout, generator) for _ in range(len(example.latents))]),
                noise=torch.randn(example.latents.shape, generator=generator),
                first_frame_given=True,
                text_dropped=torch.zeros(len(example.latents), dtype=torch.bool),
            )
            total += objective.loss(model, example, draws, ranks).double().cpu()
        return float(ranks.sum(total)) / len(cases)
