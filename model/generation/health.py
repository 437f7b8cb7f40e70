"""Stopping at once when a video is no video: numbers that are not finite, pictures that are black."""

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from torch import Tensor

from data_contracts.errors import ErrorCode, OperationError

BLACK_MEAN = 6.0
BLACK_SPREAD = 3.0
"""Gray levels of 255: a black H.264 picture decodes to 0..2, a night scene has bright points and spreads wider."""


def check_finite(latents: Float[Tensor, "batch channels frames height width"], first_frame: int, what: str) -> None:
    """Refuse latents with NaN or infinity.

    Args:
        latents: of one chunk.
        first_frame: latent frame index of its start.
        what: who made them, for the message.

    Raises:
        OperationError: naming the first latent frame.
    """
    finite = torch.isfinite(latents).all(dim=(0, 1, 3, 4) if latents.ndim == 5 else None)
    if not bool(finite.all()):
        frame = first_frame + int(torch.argmin(finite.int()))
        raise OperationError(
            ErrorCode.OUTPUT_UNUSABLE,
            f"{what}: latent frame {frame} holds NaN or infinity",
            "run again with --precision fp32; `wm weights verify` says whether the weights are whole",
        )


def is_black(frames: UInt8[ndarray, "frames height width 3"]) -> bool:
    """Whether every frame is dark and without detail."""
    flat = frames.reshape(len(frames), -1).astype(np.float32)
    return bool(((flat.mean(axis=1) < BLACK_MEAN) & (flat.std(axis=1) < BLACK_SPREAD)).all())


def check_visible(
    frames: UInt8[ndarray, "frames height width 3"], first_frame: int, image: UInt8[ndarray, "height width 3"] | None
) -> None:
    """Refuse a chunk that is black all over, unless the first frame that was asked for is black itself.

    Raises:
        OperationError: naming the first frame.
    """
    if is_black(frames) and (image is None or not is_black(image[None])):
        raise OperationError(
            ErrorCode.OUTPUT_UNUSABLE,
            f"frames {first_frame} to {first_frame + len(frames) - 1} are black",
            "run again with --precision fp32 and without the refiner; another --seed or prompt if they stay black",
        )
