"""ODE trajectories of the chunk-causal teacher: what the student's regression learns from.

Chunks are generated left to right; each is integrated from noise to data while earlier ones are given clean through the
carried state, and passes through the student's own noise levels, where it is recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from model.backbone import SanaWM
from model.causal import CacheWindow, ChunkLayout, RolloutState
from model.distill.levels import levels_per_frame, over_pixels, timesteps_of
from model.flow.guidance import Conditions, guided_advance
from model.flow.samplers import with_first_frame

Latents = Float[Tensor, "batch channels frames height width"]
FirstFrame = Float[Tensor, "batch channels 1 height width"]


@dataclass(frozen=True)
class TrajectorySettings:
    """How the teacher is integrated.

    Attributes:
        sigmas: noise levels from 1 to 0; they contain all of ``recorded``.
        recorded: noise levels at which the state is kept, from 1 to 0.
    """

    sigmas: tuple[float, ...]
    recorded: tuple[float, ...]

    def __post_init__(self) -> None:
        """Check the grids.

        Raises:
            ValueError: they do not fall from 1 to 0, or a recorded level is not on the grid.
        """
        for grid in (self.sigmas, self.recorded):
            if grid[0] != 1 or grid[-1] != 0 or any(first <= second for first, second in pairwise(grid)):
                raise ValueError(f"noise levels {grid} must fall from 1 to 0")
        if not set(self.recorded) <= set(self.sigmas):
            raise ValueError(f"recorded levels {self.recorded} must be among the integration's {self.sigmas}")


def integration_grid(recorded: Sequence[float], substeps: int) -> tuple[float, ...]:
    """The recorded levels with every interval cut into ``substeps`` equal steps.

    >>> integration_grid((1.0, 0.5, 0.0), 2)
    (1.0, 0.75, 0.5, 0.25, 0.0)
    """
    grid = [high - (high - low) * part / substeps for high, low in pairwise(recorded) for part in range(substeps)]
    return (*grid, recorded[-1])


@torch.no_grad()
def teacher_trajectory(
    teacher: SanaWM,
    noise: Latents,
    first_frame: FirstFrame,
    given: Conditions,
    layout: ChunkLayout,
    settings: TrajectorySettings,
) -> Float[Tensor, "levels batch channels frames height width"]:
    """States at the recorded levels, noisy to clean; frame 0 is the clean first frame at every level.

    Equal to integrating each chunk with the chunk-causal network over its whole clean prefix, because a full cache
    reproduces it exactly.
    """
    state = RolloutState(window=CacheWindow(chunks=None, sink=False))
    chunks = []
    for start, stop in layout.chunks:
        current = with_first_frame(noise[:, :, start:stop], first_frame if start == 0 else None)
        chunk = given.frames(start, stop)
        kept = [current]
        for sigma, following in pairwise(settings.sigmas):
            levels = levels_per_frame(sigma, len(noise), stop - start, start == 0)
            step = levels_per_frame(sigma - following, len(noise), stop - start, start == 0)
            velocity, _ = guided_advance(teacher, current, timesteps_of(levels), chunk, state)
            current = current - over_pixels(step) * velocity
            if following in settings.recorded:
                kept.append(current)
        still = torch.zeros(len(noise), 1, stop - start)
        _, state = guided_advance(teacher, current, still, chunk, state)
        chunks.append(torch.stack(kept))
    return torch.cat(chunks, dim=3)
