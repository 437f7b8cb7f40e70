"""Distribution matching: the student moves its samples from where the critic puts them towards where the data lie.

``real`` is the frozen bidirectional model, guided; ``critic`` (the fake score) is trained on the student's own samples.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from model.backbone import SanaWM
from model.causal import ChunkLayout
from model.distill.levels import levels_per_frame, over_pixels, timesteps_of
from model.flow.guidance import Conditions, guided_velocity
from model.flow.objective import clean_estimate
from model.flow.schedule import training_sigmas

Latents = Float[Tensor, "batch channels frames height width"]


@dataclass(frozen=True)
class MatchingSettings:
    """Noise levels of the scores, and guidance of the real one.

    Attributes:
        shift: of the noise levels.
        lowest: noise level, after the shift, below which none is drawn.
        highest: noise level above which none is drawn.
        guidance: strength ``g`` in ``cond + g (cond - uncond)``.
    """

    shift: float
    lowest: float
    highest: float
    guidance: float

    def sigma(self, indices: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """Shifted and clamped noise levels of indices 0..999."""
        return training_sigmas(indices, self.shift).clamp(self.lowest, self.highest).float()


@dataclass(frozen=True)
class NoisedSample:
    """A student's sample noised for the scores; frame 0 stays clean at level 0.

    Attributes:
        clean: the sample.
        noise: what it was mixed with.
        noisy: the mixture.
        levels: noise level per frame.
    """

    clean: Latents
    noise: Latents
    noisy: Latents
    levels: Float[Tensor, "batch frames"]


def noised(clean: Latents, sigma: Float[Tensor, " batch"], noise: Latents) -> NoisedSample:
    """``(1 - sigma) x + sigma eps`` on all frames but the first; no gradient reaches the sample."""
    clean = clean.detach()
    levels = levels_per_frame(sigma, len(clean), clean.shape[2], first_is_clean=True)
    noisy = (1 - over_pixels(levels)) * clean + over_pixels(levels) * noise
    return NoisedSample(clean, noise, noisy, levels)


def matching_gradient(fake_clean: Latents, real_clean: Latents, sample: Latents) -> Latents:
    """``(x_fake - x_real) / mean |x - x_real|`` over all frames but the first; zero there, and where not finite."""
    scale = (sample - real_clean)[:, :, 1:].abs().mean().clamp(min=1e-6)
    gradient = torch.nan_to_num((fake_clean - real_clean) / scale)
    gradient[:, :, 0] = 0
    return gradient


def matching_loss(sample: Latents, gradient: Latents) -> Float[Tensor, ""]:
    """``0.5 mean (x - stopgrad(x - g))^2`` after frame 0: its derivative by ``x`` is ``g`` over the value count."""
    target = (sample - gradient).detach()
    return 0.5 * (sample - target)[:, :, 1:].square().mean()


@torch.no_grad()
def score_gradient(real: SanaWM, critic: SanaWM, sample: NoisedSample, given: Conditions, guidance: float) -> Latents:
    """The distribution-matching gradient at one noised sample, both scores taken bidirectionally.

    ``guidance`` is the strength ``g`` in ``cond + g (cond - uncond)``: a scale of ``1 + g`` in the usual convention.
    """
    layout = ChunkLayout.single(sample.noisy.shape[2])
    timesteps = timesteps_of(sample.levels)
    fake_velocity = critic(sample.noisy, timesteps, given.text, given.camera, layout)
    strong = replace(given, guidance=1 + guidance)
    real_velocity = guided_velocity(real, sample.noisy, timesteps, strong, layout)
    fake_clean = clean_estimate(sample.noisy, fake_velocity, sample.levels)
    return matching_gradient(fake_clean, clean_estimate(sample.noisy, real_velocity, sample.levels), sample.clean)


def critic_loss(critic: SanaWM, sample: NoisedSample, given: Conditions) -> Float[Tensor, ""]:
    """Flow matching of the critic on the student's sample: mean squared error to ``eps - x`` after frame 0."""
    layout = ChunkLayout.single(sample.noisy.shape[2])
    velocity = critic(sample.noisy, timesteps_of(sample.levels), given.text, given.camera, layout)
    return (velocity - (sample.noise - sample.clean))[:, :, 1:].square().mean()
