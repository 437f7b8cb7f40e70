"""Truncated-sigma flow matching, Eq. 7-11 of the paper.

The refiner learns the straight path from a noised stage-1 latent to the high-fidelity target, so a large part of the
coarse content survives: it refines and does not reconstruct.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

Latents = Float[Tensor, "batch channels frames height width"]


@dataclass(frozen=True)
class RefinerSample:
    """One training state.

    Attributes:
        noisy: the state ``x_t``; its reference frames are those of the target, clean.
        sigma: noise level per frame, 0 on reference frames.
        velocity: what the network must predict.
        counted: 1 where a frame enters the loss, 0 on reference frames.
    """

    noisy: Latents
    sigma: Float[Tensor, "batch frames"]
    velocity: Latents
    counted: Float[Tensor, "batch 1 frames 1 1"]


def noised_source(coarse: Latents, noise: Latents, sigma_start: float) -> Latents:
    """Eq. 7: ``x_1 = (1 - sigma_start) x_l + sigma_start eps``."""
    return (1 - sigma_start) * coarse + sigma_start * noise


def refiner_sample(
    coarse: Latents,
    target: Latents,
    noise: Latents,
    sigma: Float[Tensor, " batch"],
    sigma_start: float,
    reference_frames: int,
) -> RefinerSample:
    """Build ``x_t`` and its target velocity.

    Eq. 8 ``alpha = sigma / sigma_start``; Eq. 9 ``x_t = (1 - alpha) x_h + alpha x_1``; Eq. 10
    ``v* = (x_1 - x_h) / sigma_start``, so that ``x_t - sigma v* = x_h``. The first ``reference_frames`` latent frames
    of the target are given clean and do not count.

    Raises:
        ValueError: shapes differ, a sigma is outside (0, sigma_start], or no frame is left to train on.
    """
    if not coarse.shape == target.shape == noise.shape:
        raise ValueError(f"coarse, target and noise differ: {coarse.shape}, {target.shape}, {noise.shape}")
    if not bool(((sigma > 0) & (sigma <= sigma_start)).all()):
        raise ValueError(f"sigma must lie in (0, {sigma_start}], got {sigma.tolist()}")
    frames = target.shape[2]
    if not 0 <= reference_frames < frames:
        raise ValueError(f"reference_frames must lie in [0, {frames - 1}], got {reference_frames}")
    source = noised_source(coarse, noise, sigma_start)
    interpolation = (sigma / sigma_start).to(target)[:, None, None, None, None]
    counted = torch.ones(target.shape[0], 1, frames, 1, 1, dtype=target.dtype, device=target.device)
    counted[:, :, :reference_frames] = 0
    noisy = torch.where(counted > 0, (1 - interpolation) * target + interpolation * source, target)
    sigma_per_frame = sigma.to(target)[:, None] * counted[:, 0, :, 0, 0]
    return RefinerSample(noisy, sigma_per_frame, (source - target) / sigma_start, counted)


def refiner_loss(predicted: Latents, sample: RefinerSample) -> Float[Tensor, ""]:
    """Eq. 11: mean squared error of the velocity over the frames that count."""
    error = (predicted - sample.velocity).square() * sample.counted
    counted_values = sample.counted.sum() * predicted.shape[1] * predicted.shape[3] * predicted.shape[4]
    return error.sum() / counted_values
