"""Refining with the video stream alone: a whole clip in one sequence, or block by block as chunks arrive.

model_spec.md section 7. Where it is silent: noise is drawn by the caller for every frame, also the sink's, which does
not use it; a chunk that is not a multiple of the block size ends in a smaller block; latents stay float32 between
passes.
"""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from model.refiner.objective import noised_source
from model.refiner.plan import BlockSizes, RefinerPlan
from model.refiner.transformer import RefinerText
from model.refiner.video_attention import LayerContext
from model.refiner.video_stream import VideoPass, VideoStream
from model.refiner.window import RefinerWindow, plain_keys, rotated_keys

Latents = Float[Tensor, "batch channels frames height width"]


def refine_whole(stream: VideoStream, coarse: Latents, text: RefinerText, noise: Latents, plan: RefinerPlan) -> Latents:
    """One sequence of all frames: the sink sees itself, every other frame sees all.

    Starts at ``(1 - s) z + s eps`` with the first sigma and takes Euler steps ``x <- x - (sigma - next) v``.

    Raises:
        ValueError: no frame is left to refine.
    """
    if coarse.shape[2] <= plan.sink_frames:
        raise ValueError(f"{coarse.shape[2]} latent frames with a sink of {plan.sink_frames} leave nothing to refine")
    caption = stream.caption(text)
    sink, state = coarse[:, :, : plan.sink_frames].float(), _noised(coarse, noise, plan)[:, :, plan.sink_frames :]
    for sigma, following in pairwise(plan.sigmas):
        plan.before_pass()
        levels = _levels(state, sigma)
        still = _levels(sink, 0.0)
        job = VideoPass(
            torch.cat([sink, state], 2), torch.cat([still, levels], 1), 0, plan.sink_frames, plan.frame_rate
        )
        velocity = stream.run(job, caption).velocity.to(state.device)
        state = state - (sigma - following) * velocity[:, :, plan.sink_frames :]
    return torch.cat([sink, state], 2)


class BlockRefiner:
    """Refines one clip as its chunks arrive; memory is constant.

    Every block sees the sink, the last refined frames and itself. After its steps it is passed once more at noise
    level 0, and the keys and values of that pass are what later blocks look back at.

    Args:
        stream: the network; it may serve many clips in turn.
        text: the caption.
        plan: settings of the refinement.
        sizes: of block and window.
    """

    def __init__(
        self, stream: VideoStream, text: RefinerText, plan: RefinerPlan, sizes: BlockSizes | None = None
    ) -> None:
        self._stream = stream
        self._caption = stream.caption(text)
        self._plan = plan
        self._sizes = sizes or BlockSizes()
        if self._sizes.window < plan.sink_frames:
            raise ValueError(f"window is {self._sizes.window} frames, the sink alone has {plan.sink_frames}")
        self.window: RefinerWindow | None = None

    def refine_next(self, coarse: Latents, noise: Latents) -> Latents:
        """The next frames of the clip, refined; the first call's begin with the sink, which comes back as it is.

        Raises:
            ValueError: noise and latents differ in shape, or the first call has fewer frames than the sink.
        """
        if coarse.shape != noise.shape:
            raise ValueError(f"latents are {tuple(coarse.shape)} and noise {tuple(noise.shape)}; they must be alike")
        parts: list[Latents] = []
        if self.window is None:
            parts.append(self._start(coarse[:, :, : self._plan.sink_frames].float()))
            coarse, noise = coarse[:, :, self._plan.sink_frames :], noise[:, :, self._plan.sink_frames :]
        for block, drawn in zip(coarse.split(self._sizes.block, 2), noise.split(self._sizes.block, 2), strict=True):
            if block.shape[2]:
                parts.append(self._refine_block(block, drawn))
        return torch.cat(parts, 2)

    def passes(self, frames: int) -> int:
        """Passes of the network for a clip of ``frames`` latent frames that arrives in one piece."""
        blocks = -(-(frames - self._plan.sink_frames) // self._sizes.block)
        return 1 + blocks * len(self._plan.sigmas)

    def _start(self, sink: Latents) -> Latents:
        if sink.shape[2] < self._plan.sink_frames:
            raise ValueError(f"the first chunk has {sink.shape[2]} frames, the sink {self._plan.sink_frames}")
        self._plan.before_pass()
        job = VideoPass(sink, _levels(sink, 0.0), 0, 0, self._plan.frame_rate)
        kept = self._stream.run(job, self._caption, keep=plain_keys).kept
        self.window = RefinerWindow(kept, sink.shape[2], self._sizes.window - self._plan.sink_frames)
        return sink

    def _refine_block(self, coarse: Latents, noise: Latents) -> Latents:
        window = self._started()
        grid = (window.sink_frames, coarse.shape[3], coarse.shape[4])
        rotation = self._stream.rotation(len(coarse), window.sink_position, grid, self._plan.frame_rate)
        contexts = window.contexts(self._stream, rotation)
        state = _noised(coarse, noise, self._plan)
        for sigma, following in pairwise(self._plan.sigmas):
            self._plan.before_pass()
            velocity = self._stream.run(self._job(state, sigma), self._caption, contexts).velocity.to(state.device)
            clean = state - sigma * velocity
            ratio = following / sigma
            state = ratio * state + (1 - ratio) * clean
        self._plan.before_pass()
        self._remember(state, contexts)
        return state

    def _remember(self, refined: Latents, contexts: list[LayerContext]) -> None:
        kept = self._stream.run(self._job(refined, 0.0), self._caption, contexts, keep=rotated_keys).kept
        self._started().remember(kept, refined.shape[2])

    def _job(self, state: Latents, sigma: float) -> VideoPass:
        return VideoPass(state, _levels(state, sigma), self._started().next_frame, 0, self._plan.frame_rate)

    def _started(self) -> RefinerWindow:
        if self.window is None:
            raise ValueError("no sink yet: refine_next makes it of the first frames it is given")
        return self.window


def _noised(coarse: Latents, noise: Latents, plan: RefinerPlan) -> Latents:
    return noised_source(coarse.float(), noise.to(coarse.device).float(), plan.sigmas[0])


def _levels(state: Latents, sigma: float) -> Float[Tensor, "batch frames"]:
    return torch.full((state.shape[0], state.shape[2]), sigma, device=state.device)
