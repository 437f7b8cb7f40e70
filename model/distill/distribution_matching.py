"""Distribution matching: the student moves its samples from where the critic puts them towards where the data lie.

``real`` is the frozen bidirectional model, guided; ``critic`` (the fake score) is trained on the student's own samples.
Both scores may be sharded along time; every loss is then this rank's share, to be summed over the shard.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from model.backbone import SanaWM
from model.causal import ChunkLayout
from model.distill.levels import levels_per_frame, over_pixels, timesteps_of
from model.flow.guidance import Conditions, blend
from model.flow.objective import clean_estimate
from model.flow.schedule import training_sigmas
from model.parallel import FrameShard
from model.parallel.reduce import summed
from model.types import concatenate_texts

Latents = Float[Tensor, "batch channels frames height width"]


@dataclass(frozen=True)
class MatchingSettings:
    """Noise levels of the scores, and guidance of the real one.

    Attributes:
        shift: of the noise levels.
        lowest: noise level, after the shift, below which none is drawn.
        highest: noise level above which none is drawn.
        guidance: strength ``g`` in ``cond + g (cond - uncond)``: a scale of ``1 + g`` in the usual convention.
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
    """A student's sample noised for the scores; frame 0 stays clean at level 0 and does not count.

    Attributes:
        clean: the sample, without gradient.
        noise: what it was mixed with.
        noisy: the mixture.
        levels: noise level per frame.
        counted: 1 per frame that counts.
        shard: the frames here; None = all.
        frames: of the whole sample.
    """

    clean: Latents
    noise: Latents
    noisy: Latents
    levels: Float[Tensor, "batch frames"]
    counted: Float[Tensor, "1 1 frames 1 1"]
    shard: FrameShard | None
    frames: int

    @property
    def share(self) -> float:
        """One over the values that count in the whole batch, on all ranks."""
        batch, channels, _, height, width = self.clean.shape
        return 1 / (batch * channels * (self.frames - 1) * height * width)

    def conditions(self, given: Conditions) -> Conditions:
        """Those of the frames here."""
        return given.frames(self.shard.start, self.shard.stop) if self.shard else given


def noised(
    clean: Latents, sigma: Float[Tensor, " batch"], noise: Latents, shard: FrameShard | None = None
) -> NoisedSample:
    """``(1 - sigma) x + sigma eps`` on all frames but the first; the frames of ``shard`` of it."""
    clean = clean.detach()
    levels = levels_per_frame(sigma, len(clean), clean.shape[2], first_is_clean=True)
    noisy = (1 - over_pixels(levels)) * clean + over_pixels(levels) * noise
    counted = torch.ones(1, 1, clean.shape[2], 1, 1)
    counted[:, :, 0] = 0
    frames = clean.shape[2]
    if shard is None:
        return NoisedSample(clean, noise, noisy, levels, counted, None, frames)
    clean, noise, noisy, counted = (shard.take(whole, 2) for whole in (clean, noise, noisy, counted))
    return NoisedSample(clean, noise, noisy, shard.take(levels, 1), counted, shard, frames)


def matching_gradient(fake_clean: Latents, real_clean: Latents, sample: NoisedSample) -> Latents:
    """``(x_fake - x_real) / mean |x - x_real|``, the mean over all frames that count, on all ranks; 0 elsewhere."""
    distance = ((sample.clean - real_clean).abs() * sample.counted).sum()
    scale = (summed(distance, sample.shard) * sample.share).clamp(min=1e-6)
    return torch.nan_to_num((fake_clean - real_clean) / scale) * sample.counted


def matching_loss(student_sample: Latents, gradient: Latents, sample: NoisedSample) -> Float[Tensor, ""]:
    """``0.5 mean (x - stopgrad(x - g))^2``: its derivative by ``x`` is ``g`` over the count of values.

    Args:
        student_sample: the sample with its gradient, all frames.
        gradient: at the frames here.
        sample: the sample that was scored.
    """
    here = sample.shard.take(student_sample, 2) if sample.shard else student_sample
    target = (here - gradient).detach()
    return 0.5 * ((here - target).square() * sample.counted).sum() * sample.share


@torch.no_grad()
def score_gradient(real: SanaWM, critic: SanaWM, sample: NoisedSample, given: Conditions, guidance: float) -> Latents:
    """The distribution-matching gradient at one noised sample, both scores taken bidirectionally.

    Raises:
        ValueError: ``given`` has no null condition to guide away from.
    """
    if given.null_text is None:
        raise ValueError("distribution matching guides the real score and needs given.null_text")
    here, layout, timesteps = sample.conditions(given), ChunkLayout.single(sample.frames), timesteps_of(sample.levels)
    fake = critic(sample.noisy, timesteps, here.text, here.camera, layout, sample.shard)
    texts = concatenate_texts([given.null_text, given.text])
    camera = here.camera.repeated(2) if here.camera else None
    doubled = sample.noisy.repeat(2, 1, 1, 1, 1)
    both = real(doubled, timesteps.repeat(2, 1, 1), texts, camera, layout, sample.shard)
    fake_clean = clean_estimate(sample.noisy, fake, sample.levels)
    real_clean = clean_estimate(sample.noisy, blend(both, 1 + guidance), sample.levels)
    return matching_gradient(fake_clean, real_clean, sample)


def critic_loss(critic: SanaWM, sample: NoisedSample, given: Conditions) -> Float[Tensor, ""]:
    """Flow matching of the critic on the student's sample: mean squared error to ``eps - x`` where it counts."""
    here, layout = sample.conditions(given), ChunkLayout.single(sample.frames)
    velocity = critic(sample.noisy, timesteps_of(sample.levels), here.text, here.camera, layout, sample.shard)
    error = (velocity - (sample.noise - sample.clean)).square()
    return (error * sample.counted).sum() * sample.share
