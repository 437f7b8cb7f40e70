"""Noise levels per frame of a clip whose first frame may be clean."""

import torch
from jaxtyping import Float
from torch import Tensor


def levels_per_frame(
    level: float | Float[Tensor, " batch"], batch: int, frames: int, first_is_clean: bool
) -> Float[Tensor, "batch frames"]:
    """``level`` at every frame, 0 at a clean first one."""
    levels = torch.as_tensor(level, dtype=torch.float32).expand(batch)[:, None].repeat(1, frames)
    if first_is_clean:
        levels[:, 0] = 0
    return levels


def over_pixels(levels: Float[Tensor, "batch frames"]) -> Float[Tensor, "batch 1 frames 1 1"]:
    """Levels shaped to multiply latents."""
    return levels[:, None, :, None, None]


def timesteps_of(levels: Float[Tensor, "batch frames"]) -> Float[Tensor, "batch 1 frames"]:
    """1000 times the level; the network truncates it to an integer."""
    return 1000 * levels[:, None]
