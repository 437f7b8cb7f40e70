"""How far each frame of the short convolution sees ahead, as the kernels read it."""

from functools import lru_cache

import torch
from torch import Tensor

TAPS = 4


@lru_cache(maxsize=256)
def later_frames_seen(chunk_ids: tuple[int, ...], frames: int, device: torch.device) -> Tensor:
    """How many of the next ``TAPS - 1`` frames lie in each frame's chunk; kept, so that graphs copy nothing."""
    ahead = range(1, TAPS)
    counts = [sum(chunk_ids[frame] == chunk_ids[frame + step] for step in ahead) for frame in range(frames)]
    return torch.tensor(counts, dtype=torch.int32, device=device)
