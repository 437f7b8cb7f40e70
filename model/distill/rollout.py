"""The student's own rollout during self-forcing: few steps a chunk, state carried, keys of a window kept."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from model.backbone import SanaWM
from model.causal import CacheWindow, ChunkLayout, RolloutState
from model.distill.levels import levels_per_frame, over_pixels, timesteps_of
from model.flow.guidance import Conditions
from model.flow.objective import clean_estimate
from model.flow.samplers import with_first_frame

Latents = Float[Tensor, "batch channels frames height width"]
FirstFrame = Float[Tensor, "batch channels 1 height width"]


@dataclass(frozen=True)
class RolloutSettings:
    """How the student is run.

    Attributes:
        sigmas: noise levels of its steps, falling from 1, without the final 0.
        window: what softmax blocks keep.
    """

    sigmas: tuple[float, ...]
    window: CacheWindow


def student_rollout(
    student: SanaWM,
    first_frame: FirstFrame,
    given: Conditions,
    layout: ChunkLayout,
    settings: RolloutSettings,
    draws: tuple[int, torch.Generator],
) -> Latents:
    """Clean latents of a rollout in which every chunk leaves at the same step, the only one that is differentiated.

    Earlier steps and the pass that writes the state at timestep 0 run without gradient. Between steps the prediction is
    noised afresh: ``x <- (1 - sigma') x_0 + sigma' eps``. Frame 0 is given and stays.

    Args:
        student: the generator.
        first_frame: clean latent of frame 0.
        given: captions and camera, unguided.
        layout: chunks.
        settings: noise levels and cache window.
        draws: exit step (0-based; the same on all ranks) and the generator of the noise.

    Raises:
        ValueError: the exit step is none of the steps.
    """
    exit_step, generator = draws
    if not 0 <= exit_step < len(settings.sigmas):
        raise ValueError(f"exit step {exit_step} must lie in 0..{len(settings.sigmas) - 1}")
    sigmas = settings.sigmas[: exit_step + 1]
    state = RolloutState(window=settings.window)
    chunks = []
    for start, stop in layout.chunks:
        chunk = given.frames(start, stop)
        begins = first_frame if start == 0 else None
        shape = (*first_frame.shape[:2], stop - start, *first_frame.shape[3:])
        noises = [torch.randn(shape, generator=generator) for _ in sigmas]
        clean = _chunk(student, noises, begins, chunk, state, sigmas)
        with torch.no_grad():
            still = torch.zeros(len(clean), 1, stop - start)
            _, state = student.advance(clean.detach(), still, chunk.text, chunk.camera, state)
        chunks.append(clean)
    return torch.cat(chunks, dim=2)


def _chunk(
    student: SanaWM,
    noises: list[Latents],
    first_frame: FirstFrame | None,
    given: Conditions,
    state: RolloutState,
    sigmas: tuple[float, ...],
) -> Latents:
    """Denoise one chunk; gradients flow through the last step alone."""
    clean = torch.zeros_like(noises[0])
    wanted = torch.is_grad_enabled()
    for index, (sigma, noise) in enumerate(zip(sigmas, noises, strict=True)):
        levels = levels_per_frame(sigma, len(noise), noise.shape[2], first_frame is not None)
        clean = with_first_frame(clean, first_frame)
        noisy = (1 - over_pixels(levels)) * clean + over_pixels(levels) * noise
        with torch.set_grad_enabled(wanted and index == len(sigmas) - 1):
            velocity, _ = student.advance(noisy, timesteps_of(levels), given.text, given.camera, state)
            clean = clean_estimate(noisy, velocity, levels)
    return clean
