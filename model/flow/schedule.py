"""Noise levels: sigma is the share of noise, ``x = (1 - sigma) clean + sigma noise``; timestep = 1000 sigma."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

TRAIN_STEPS = 1000
STREAMING_SIGMAS = (1.0, 0.96, 0.889, 0.727)  # the released four-step student's list, verbatim


def shift_sigmas(sigmas: Float[Tensor, "*shape"], shift: float) -> Float[Tensor, "*shape"]:
    """``shift s / (1 + (shift - 1) s)``: more steps where there is more noise."""
    return shift * sigmas / (1 + (shift - 1) * sigmas)


def training_sigmas(indices: Int[Tensor, "*shape"], shift: float) -> Float[Tensor, "*shape"]:
    """Shifted sigma of an unshifted index 0..999 (sigma = index / 1000), in float64."""
    return shift_sigmas(indices.double() / TRAIN_STEPS, shift)


def integer_timesteps(sigmas: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """``floor(1000 sigma)`` as float32: what the network is told."""
    return torch.floor(TRAIN_STEPS * sigmas.double()).float()


def euler_sigmas(shift: float, steps: int) -> Float[Tensor, " points"]:
    """The ``steps + 1`` sigmas of the flow-Euler samplers, 1 to 0.

    The lower end is shifted twice (once to set the end of the even grid, once with the grid), as the scheduler of the
    released samplers does.

    Raises:
        ValueError: if there is no step.
    """
    if steps < 1:
        raise ValueError(f"steps={steps} must be at least 1")
    lowest = shift_sigmas(torch.tensor(1 / TRAIN_STEPS, dtype=torch.float64), shift).item()
    grid = torch.linspace(1.0, lowest, steps, dtype=torch.float64)
    return torch.cat((shift_sigmas(grid, shift), grid.new_zeros(1))).float()


def explicit_sigmas(values: Sequence[float]) -> Float[Tensor, " points"]:
    """A given list of sigmas, closed by 0.

    Raises:
        ValueError: if the list does not fall from at most 1 to above 0.
    """
    sigmas = torch.tensor([*values, 0.0], dtype=torch.float32)
    if len(values) == 0 or sigmas[0] > 1 or bool((sigmas.diff() >= 0).any()):
        raise ValueError(f"sigmas={tuple(values)} must fall strictly, from at most 1 to above 0")
    return sigmas


def staggered_starts(chunks: int, steps: int, interval: float) -> tuple[int, ...]:
    """First step of each chunk in the staggered sampler: chunk i starts ``int(i interval steps)`` steps late."""
    return tuple(int(index * interval * steps) for index in range(chunks))
