"""Samplers: all frames together, chunk after chunk with a carried state, and staggered chunks without one.

Every sampler starts from noise whose frame 0 may be replaced by a clean latent. That frame is told timestep 0 at every
step and never changes.
"""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from model.backbone import SanaWM
from model.causal.layout import ChunkLayout
from model.causal.state import CacheWindow
from model.flow.guidance import Conditions, guided_velocity
from model.flow.rollout import PlainRollout, Rollout
from model.flow.schedule import staggered_starts

Latents = Float[Tensor, "batch channels frames height width"]


def sample_bidirectional(
    model: SanaWM,
    noise: Latents,
    first_frame: Float[Tensor, "batch channels 1 height width"] | None,
    given: Conditions,
    sigmas: Float[Tensor, " points"],
    layout: ChunkLayout | None = None,
) -> Latents:
    """Flow-Euler over all frames together.

    Args:
        model: bidirectional (or any, with its layout).
        noise: standard normal.
        first_frame: clean latent of frame 0.
        given: captions, camera, guidance.
        sigmas: 1 to 0.
        layout: chunks; None = one.
    """
    latents = with_first_frame(noise, first_frame)
    frames = latents.shape[2]
    layout = layout or ChunkLayout.single(frames)
    for sigma, following in zip(sigmas[:-1].tolist(), sigmas[1:].tolist(), strict=True):
        now = frame_levels([sigma] * frames, first_frame, latents)
        then = frame_levels([following] * frames, first_frame, latents)
        velocity = guided_velocity(model, latents, timesteps_of(now, latents), given, layout)
        latents = euler_step(latents, velocity, now, then)
    return latents


def stream_chunks(
    rollout: Rollout,
    noise: Latents,
    first_frame: Float[Tensor, "batch channels 1 height width"] | None,
    given: Conditions,
    sigmas: Float[Tensor, " points"],
    layout: ChunkLayout,
    before_pass: Callable[[], None] = lambda: None,
) -> Iterator[Latents]:
    """Chunks of a rollout, each yielded when it is done: a few Euler steps, then one call at timestep 0 for the state.

    Args:
        rollout: fresh, of a few-step student.
        noise: standard normal, for all frames.
        first_frame: clean latent of frame 0.
        given: captions, camera, guidance.
        sigmas: of each chunk, 1 to 0.
        layout: chunks, usually ``ChunkLayout.streaming(frames, 3)``.
        before_pass: called before every pass of the network; may raise to stop there.
    """
    for start, stop in layout.chunks:
        clean = first_frame if start == 0 else None
        latents = with_first_frame(noise[:, :, start:stop], clean)
        rollout.begin(given.frames(start, stop), latents)
        for sigma, following in zip(sigmas[:-1].tolist(), sigmas[1:].tolist(), strict=True):
            before_pass()
            now = frame_levels([sigma] * (stop - start), clean, latents)
            then = frame_levels([following] * (stop - start), clean, latents)
            velocity = rollout.velocity(latents, timesteps_of(now, latents))
            latents = euler_step(latents, velocity, now, then)
        before_pass()
        rollout.absorb(latents)
        yield latents


def sample_streaming(
    model: SanaWM,
    noise: Latents,
    first_frame: Float[Tensor, "batch channels 1 height width"] | None,
    given: Conditions,
    sigmas: Float[Tensor, " points"],
    layout: ChunkLayout,
    window: CacheWindow = CacheWindow(),  # noqa: B008 - frozen
) -> Latents:
    """All chunks of ``stream_chunks``."""
    rollout = PlainRollout(model, window)
    return torch.cat(list(stream_chunks(rollout, noise, first_frame, given, sigmas, layout)), dim=2)


def sample_staggered(
    model: SanaWM,
    noise: Latents,
    first_frame: Float[Tensor, "batch channels 1 height width"] | None,
    given: Conditions,
    sigmas: Float[Tensor, " points"],
    layout: ChunkLayout,
    interval: float | None = None,
) -> Latents:
    """The chunk-causal teacher: chunk i starts ``int(i interval steps)`` steps after the first, without a state.

    Each step runs the prefix up to the last chunk that has started; finished chunks are told timestep 0.
    ``interval`` defaults to one over the number of chunks.
    """
    latents = with_first_frame(noise, first_frame)
    steps = len(sigmas) - 1
    starts = staggered_starts(len(layout.chunks), steps, interval or 1 / len(layout.chunks))
    levels = sigmas.tolist()
    for step in range(starts[-1] + steps):
        begun = sum(start <= step for start in starts)
        progress = [min(step - start, steps) for start in starts[:begun]]
        following = [min(done + 1, steps) for done in progress]
        stop = layout.chunks[begun - 1][1]
        prefix = ChunkLayout(stop, layout.starts[:begun])
        active = latents[:, :, :stop]
        now = frame_levels([levels[progress[chunk]] for chunk in prefix.chunk_ids], first_frame, active)
        then = frame_levels([levels[following[chunk]] for chunk in prefix.chunk_ids], first_frame, active)
        velocity = guided_velocity(model, active, timesteps_of(now, active), given.frames(0, stop), prefix)
        latents = torch.cat((euler_step(active, velocity, now, then), latents[:, :, stop:]), dim=2)
    return latents


def with_first_frame(noise: Latents, first_frame: Float[Tensor, "batch channels 1 height width"] | None) -> Latents:
    """The noise with its frame 0 replaced by the clean latent, if there is one."""
    return noise if first_frame is None else torch.cat((first_frame.to(noise), noise[:, :, 1:]), dim=2)


def frame_levels(sigmas: list[float], first_frame: Tensor | None, latents: Latents) -> Float[Tensor, " frames"]:
    """Sigma per frame, 0 at a clean frame 0."""
    levels = torch.tensor(sigmas, dtype=torch.float32, device=latents.device)
    if first_frame is not None:
        levels[0] = 0.0
    return levels


def timesteps_of(sigmas: Float[Tensor, " frames"], latents: Latents) -> Float[Tensor, "batch 1 frames"]:
    """1000 sigma for every sample; the network truncates it to an integer."""
    return (1000 * sigmas).expand(latents.shape[0], 1, -1)


def euler_step(
    latents: Latents, velocity: Latents, now: Float[Tensor, " frames"], then: Float[Tensor, " frames"]
) -> Latents:
    """``x - (sigma_now - sigma_then) v`` per frame; a clean frame has no difference and stays."""
    return latents - (now - then)[:, None, None].to(latents.dtype) * velocity
