"""Training of the refiner: one step of truncated-sigma flow matching, and the loss on fixed draws."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from model.refiner.objective import RefinerSample, refiner_loss, refiner_sample
from model.refiner.sigma import truncated_sigma
from model.refiner.transformer import RefinerText, predict_velocity

Latents = Float[Tensor, "batch channels frames height width"]


@dataclass(frozen=True)
class RefinerPair:
    """A coarse latent, its target, and the caption."""

    coarse: Latents
    target: Latents
    text: RefinerText


@dataclass(frozen=True)
class RefinerObjective:
    """The objective's constants.

    Attributes:
        sigma_start: noise level of the source.
        reference_frames: clean latent frames at the beginning.
        frame_rate: of the raw video.
    """

    sigma_start: float
    reference_frames: int
    frame_rate: float

    def loss(self, transformer: nn.Module, pair: RefinerPair, generator: torch.Generator) -> Float[Tensor, ""]:
        """The loss at a fresh noise and a noise level of the truncated distribution per clip."""
        uniform = torch.rand(len(pair.target), generator=generator)
        return self.loss_at(transformer, pair, uniform, generator)

    def loss_at(
        self,
        transformer: nn.Module,
        pair: RefinerPair,
        uniform: Float[Tensor, " batch"],
        generator: torch.Generator,
    ) -> Float[Tensor, ""]:
        """The loss at given quantiles of the noise level, and fresh noise."""
        tokens = pair.target.shape[2] * pair.target.shape[3] * pair.target.shape[4]
        sigma = truncated_sigma(uniform, tokens, self.sigma_start)
        noise = torch.randn(pair.target.shape, generator=generator)
        sample = refiner_sample(pair.coarse, pair.target, noise, sigma, self.sigma_start, self.reference_frames)
        return refiner_loss(self._predict(transformer, sample, pair.text), sample)

    def _predict(self, transformer: nn.Module, sample: RefinerSample, text: RefinerText) -> Latents:
        return predict_velocity(transformer, sample.noisy, sample.sigma, text, self.reference_frames, self.frame_rate)


def plain_flow_matching(objective: RefinerObjective) -> RefinerObjective:
    """The base's own objective: from pure noise, which is truncation at 1 (the coarse latent then has no weight)."""
    return RefinerObjective(1.0, objective.reference_frames, objective.frame_rate)
