"""The few-step refinement of a stage-1 latent: three Euler steps from ``sigma_start`` to 0."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from model.refiner.objective import noised_source
from model.refiner.transformer import RefinerText, predict_velocity

Latents = Float[Tensor, "batch channels frames height width"]

# App. A: the stage-2 distilled sigmas of LTX-2.
REFINER_SIGMAS = (0.909375, 0.725, 0.421875, 0.0)


@torch.no_grad()
def refine(
    transformer: nn.Module,
    coarse: Latents,
    text: RefinerText,
    noise: Latents,
    *,
    frame_rate: float,
    reference_frames: int = 1,
    sigmas: Sequence[float] = REFINER_SIGMAS,
) -> Latents:
    """Refine all frames after the reference frames, which are kept verbatim.

    Starts from Eq. 7's noised source at ``sigmas[0]`` and integrates ``x <- x - (sigma - next) v``.

    Raises:
        ValueError: ``sigmas`` does not fall to 0.
    """
    if list(sigmas) != sorted(sigmas, reverse=True) or sigmas[-1] != 0:
        raise ValueError(f"refiner sigmas must fall to 0, got {list(sigmas)}")
    moving = torch.ones(coarse.shape[2], dtype=coarse.dtype, device=coarse.device)
    moving[:reference_frames] = 0
    state = torch.where(moving[:, None, None] > 0, noised_source(coarse, noise, sigmas[0]), coarse)
    for sigma, following in pairwise(sigmas):
        per_frame = (sigma * moving).expand(coarse.shape[0], -1)
        velocity = predict_velocity(transformer, state, per_frame, text, reference_frames, frame_rate)
        state = state - (sigma - following) * moving[:, None, None] * velocity
    return state
