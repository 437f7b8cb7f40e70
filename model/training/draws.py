"""Everything random about one training step, drawn at once from one generator."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from model.causal import ChunkLayout
from model.training.noise_levels import NoiseLevels, logit_normal_index
from model.training.ranks import Ranks


@dataclass(frozen=True)
class StepDraws:
    """The random choices of one step for the clips of one data-parallel group.

    Attributes:
        indices: noise index per frame.
        noise: Gaussian noise like the latents.
        first_frame_given: whether the first frame stays clean.
        text_dropped: whose caption is replaced by the null condition.
    """

    indices: Int[Tensor, "batch frames"]
    noise: Float[Tensor, "batch channels frames height width"]
    first_frame_given: bool
    text_dropped: Bool[Tensor, " batch"]


@dataclass(frozen=True)
class DrawSettings:
    """How the choices are distributed: probabilities of the recipe, and its noise levels."""

    clean_first_frame: float
    text_dropout: float
    levels: NoiseLevels


def draw_step(
    shape: torch.Size, layout: ChunkLayout, settings: DrawSettings, generator: torch.Generator, ranks: Ranks
) -> StepDraws:
    """Draw, then take the context group's first rank's word for it, so that all ranks of a clip train one state."""
    batch = shape[0]
    coins = torch.rand(1 + batch, generator=generator)
    bases = torch.randn(batch, generator=generator)
    indices = torch.stack(
        [settings.levels.spread(logit_normal_index(float(base)), layout, generator) for base in bases]
    )
    noise = torch.randn(shape, generator=generator)
    coins, indices, noise = ranks.agree(coins), ranks.agree(indices), ranks.agree(noise)
    return StepDraws(
        indices=indices,
        noise=noise,
        first_frame_given=bool(coins[0] < settings.clean_first_frame),
        text_dropped=coins[1:] < settings.text_dropout,
    )
