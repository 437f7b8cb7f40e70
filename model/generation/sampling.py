"""How a mode samples: its chunks, noise levels, guidance and window; then one call that runs it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from data_contracts.bundle import BundleInfo
from data_contracts.wire import GenerationMode
from model.backbone import SanaWM
from model.causal.layout import ChunkLayout
from model.causal.state import CacheWindow
from model.flow.guidance import Conditions
from model.flow.rollout import PlainRollout, Rollout
from model.flow.samplers import sample_bidirectional, sample_staggered, stream_chunks
from model.flow.schedule import euler_sigmas, explicit_sigmas, staggered_starts

Latents = Float[Tensor, "batch channels frames height width"]


@dataclass(frozen=True)
class SamplingPlan:
    """Everything about sampling that is decided before the first pass (``model_spec.md`` section 6).

    Attributes:
        mode: which sampler.
        layout: chunks of latent frames; one for the bidirectional mode.
        sigmas: noise levels of a chunk, 1 to 0.
        guidance: classifier-free guidance; 1 = the caption alone, in one pass.
        window: what softmax blocks keep; only the streaming mode carries a state.
    """

    mode: GenerationMode
    layout: ChunkLayout
    sigmas: Float[Tensor, " points"]
    guidance: float
    window: CacheWindow

    @property
    def passes(self) -> int:
        """Calls of the network; under guidance each is a batch of two."""
        steps, chunks = len(self.sigmas) - 1, len(self.layout.chunks)
        if self.mode is GenerationMode.STREAMING:
            return chunks * (steps + 1)  # one more at timestep 0, for the state
        if self.mode is GenerationMode.TEACHER:
            return staggered_starts(chunks, steps, 1 / chunks)[-1] + steps
        return steps

    @property
    def largest_pass(self) -> int:
        """Latent frames of the largest call, both halves of guidance counted."""
        streaming = self.mode is GenerationMode.STREAMING
        frames = max(stop - start for start, stop in self.layout.chunks) if streaming else self.layout.frames
        return frames * (1 if self.guidance == 1.0 else 2)


def plan_sampling(info: BundleInfo, mode: GenerationMode, frames: int, steps: int | None) -> SamplingPlan:
    """The plan of a mode for ``frames`` latent frames; ``steps`` replaces the checkpoint's own number."""
    window = CacheWindow(info.cached_chunks, info.sink)
    if mode is GenerationMode.STREAMING:
        own = info.streaming_sigmas
        sigmas = explicit_sigmas(own) if steps in (None, len(own)) else euler_sigmas(info.shift, steps)
        return SamplingPlan(mode, ChunkLayout.streaming(frames, info.chunk_frames), sigmas, 1.0, window)
    causal = mode is GenerationMode.TEACHER
    layout = ChunkLayout.first_plus_one(frames, info.chunk_frames) if causal else ChunkLayout.single(frames)
    return SamplingPlan(mode, layout, euler_sigmas(info.shift, steps or info.steps), info.guidance, window)


@dataclass(frozen=True)
class Streaming:
    """How a rollout is run.

    Attributes:
        rollout: fresh, for the plan's window; None = plain calls of the network.
        before_pass: called before every pass of a rollout; may raise to stop there.
    """

    rollout: Rollout | None = None
    before_pass: Callable[[], None] = lambda: None


def sample(
    model: SanaWM,
    plan: SamplingPlan,
    noise: Latents,
    first_frame: Float[Tensor, "batch channels 1 height width"] | None,
    given: Conditions,
    streaming: Streaming = Streaming(),
) -> Iterator[Latents]:
    """Stage-1 latents as they are done: chunk after chunk when streaming, all at once otherwise.

    Args:
        model: the backbone.
        plan: of ``plan_sampling``.
        noise: standard normal, for all frames.
        first_frame: clean latent of frame 0, which is never changed.
        given: captions, camera and the plan's guidance.
        streaming: how a rollout is run.
    """
    if plan.mode is GenerationMode.STREAMING:
        rollout = streaming.rollout or PlainRollout(model, plan.window)
        yield from stream_chunks(rollout, noise, first_frame, given, plan.sigmas, plan.layout, streaming.before_pass)
    elif plan.mode is GenerationMode.TEACHER:
        yield sample_staggered(model, noise, first_frame, given, plan.sigmas, plan.layout)
    else:
        yield sample_bidirectional(model, noise, first_frame, given, plan.sigmas)
