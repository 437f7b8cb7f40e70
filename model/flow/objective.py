"""The flow-matching objective, with the first frame clean and left out of the loss.

Indices of the noise level are drawn unshifted (``index / 1000``), shifted once, and give both the noise and the
timestep the network is told (``floor(1000 sigma)``). The target is the velocity ``noise - clean``.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from model.flow.schedule import TRAIN_STEPS, integer_timesteps, training_sigmas
from model.parallel.frame_shard import FrameShard

LOSS_EPS = 1e-6

Latents = Float[Tensor, "batch channels frames height width"]


@dataclass(frozen=True)
class FlowSample:
    """One noisy batch and what the network should say about it.

    Attributes:
        noisy: input of the network.
        timesteps: per frame.
        target: velocity.
        mask: 1 for frames that count in the loss.
        weight: per sample, number of values that count over the whole sequence.
        sigmas: per frame, of ``noisy``.
    """

    noisy: Latents
    timesteps: Float[Tensor, "batch 1 frames"]
    target: Latents
    mask: Float[Tensor, "batch frames"]
    weight: Float[Tensor, " batch"]
    sigmas: Float[Tensor, "batch frames"]

    def on(self, shard: FrameShard | None) -> "FlowSample":
        """The frames of one rank; ``weight`` stays that of the whole sequence, so losses of ranks add up."""
        if shard is None:
            return self
        return FlowSample(
            noisy=shard.take(self.noisy, 2),
            timesteps=shard.take(self.timesteps, 2),
            target=shard.take(self.target, 2),
            mask=shard.take(self.mask, 1),
            weight=self.weight,
            sigmas=shard.take(self.sigmas, 1),
        )


def sample_indices(batch: int, generator: torch.Generator) -> Int[Tensor, " batch"]:
    """``floor(1000 sigmoid(n))`` with n standard normal: the logit-normal index of the noise level, on the CPU."""
    normal = torch.randn(batch, generator=generator, dtype=torch.float64)
    return (TRAIN_STEPS * torch.sigmoid(normal)).long().clamp_max(TRAIN_STEPS - 1)


def flow_sample(
    clean: Latents,
    noise: Latents,
    indices: Int[Tensor, "batch frames"],
    shift: float,
    clean_first: Bool[Tensor, " batch"],
) -> FlowSample:
    """Mix clean latents with noise.

    Args:
        clean: target latents.
        noise: standard normal, of the same shape.
        indices: noise level per frame, 0..999, unshifted.
        shift: of the schedule (9.95 in the released training configuration).
        clean_first: samples whose frame 0 stays clean, is told timestep 0, and is left out of the loss.
    """
    first = torch.zeros_like(indices, dtype=torch.bool)
    first[:, 0] = clean_first
    levels = training_sigmas(indices.masked_fill(first, 0), shift)
    sigma = levels.to(clean.dtype)[:, None, :, None, None]
    mask = (~first).to(clean.dtype)
    values_per_frame = clean.shape[1] * clean.shape[3] * clean.shape[4]
    return FlowSample(
        noisy=(1 - sigma) * clean + sigma * noise,
        timesteps=integer_timesteps(levels)[:, None],
        target=noise - clean,
        mask=mask,
        weight=mask.sum(1) * values_per_frame + LOSS_EPS,
        sigmas=levels.to(clean.dtype),
    )


def flow_loss(velocity: Latents, sample: FlowSample) -> Float[Tensor, ""]:
    """Mean over the batch of each sample's masked mean square error; this rank's share of it under a shard."""
    squared = (velocity.float() - sample.target.float()).square().sum(dim=(1, 3, 4))
    return ((squared * sample.mask).sum(1) / sample.weight).mean()


def clean_estimate(noisy: Latents, velocity: Latents, sigmas: Float[Tensor, "batch frames"]) -> Latents:
    """``clean = noisy - sigma velocity``."""
    return noisy - sigmas[:, None, :, None, None] * velocity
