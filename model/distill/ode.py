"""ODE regression: the student jumps from any recorded state of the teacher's trajectory to its end."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from model.backbone import SanaWM
from model.causal import ChunkLayout
from model.distill.levels import timesteps_of
from model.flow.guidance import Conditions
from model.flow.objective import clean_estimate


@dataclass(frozen=True)
class Trajectory:
    """Recorded states of a batch of clips, noisy to clean, with the noise level of each."""

    states: Float[Tensor, "levels batch channels frames height width"]
    levels: tuple[float, ...]
    given: Conditions


def draw_levels(
    layout: ChunkLayout, levels: int, batch: int, generator: torch.Generator
) -> Int[Tensor, "batch chunks"]:
    """One recorded level per chunk, uniform over all, the clean end included (such chunks do not count)."""
    return torch.randint(levels, (batch, len(layout.starts)), generator=generator)


def ode_loss(
    student: SanaWM, trajectory: Trajectory, layout: ChunkLayout, drawn: Int[Tensor, "batch chunks"]
) -> Float[Tensor, ""]:
    """Mean squared error of ``x_0 = x - sigma v`` against the trajectory's end, over frames that are not clean.

    Args:
        student: run chunk-causally over the whole clip.
        trajectory: of the teacher.
        layout: its chunks.
        drawn: which recorded level each chunk starts from; frame 0 always is the clean one.
    """
    level = drawn[:, torch.tensor(layout.chunk_ids)]
    level[:, 0] = len(trajectory.levels) - 1
    state = _states_at(trajectory.states, level)
    sigma = torch.tensor(trajectory.levels)[level]
    velocity = student(state, timesteps_of(sigma), trajectory.given.text, trajectory.given.camera, layout)
    error = clean_estimate(state, velocity, sigma) - trajectory.states[-1]
    counted = (sigma > 0).to(error)
    return (error.square().mean(dim=(1, 3, 4)) * counted).sum() / counted.sum().clamp(min=1)


def _states_at(
    states: Float[Tensor, "levels batch channels frames height width"], level: Int[Tensor, "batch frames"]
) -> Float[Tensor, "batch channels frames height width"]:
    """Each frame of each clip at its own recorded level."""
    index = level[None, :, None, :, None, None].expand(1, *states.shape[1:])
    return states.gather(0, index)[0]
