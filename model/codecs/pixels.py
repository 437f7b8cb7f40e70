"""Stored frames (uint8, time first) and codec video (float in [-1, 1], colour first)."""

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor


def video_from_frames(
    frames: UInt8[np.ndarray, "raw_frames height width 3"],
) -> Float[Tensor, "1 3 raw_frames height width"]:
    """Codec video of stored RGB frames, a batch of one."""
    # Bytes are moved to colour first before they become four times as large.
    colour_first = rearrange(torch.from_numpy(np.ascontiguousarray(frames)), "f h w c -> 1 c f h w").contiguous()
    return colour_first.float().div_(127.5).sub_(1)


def frames_from_video(
    video: Float[Tensor, "1 3 raw_frames height width"],
) -> UInt8[np.ndarray, "raw_frames height width 3"]:
    """RGB frames to store, rounded to the nearest of 256 levels."""
    levels = ((video[0].detach().float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return rearrange(levels, "c f h w -> f h w c").cpu().contiguous().numpy()
