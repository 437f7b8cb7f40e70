"""The released refiner in the pipeline: block by block behind a streaming stage 1, or all frames in one sequence."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from model.generation.refining import RefinerJob
from model.refiner.inference import BlockRefiner, refine_whole
from model.refiner.plan import BlockSizes, RefinerPlan
from model.refiner.transformer import RefinerText
from model.refiner.video_stream import VideoStream
from model.training.generators import named_generator

Latents = Float[Tensor, "batch channels frames height width"]


class CaptionEncoder(Protocol):
    """Prompts to what the refiner's transformer reads."""

    def encode(self, texts: Sequence[str]) -> RefinerText:
        """Caption features and their mask."""
        ...


class VideoStreamRefiner:
    """Stage 2 on the video stream alone (``model_spec.md`` section 7).

    Noise is drawn per latent frame in time order from one stream, so that it does not depend on how stage 1 cuts its
    chunks. With ``sizes`` every chunk is refined when it comes, with a window; without, all frames together at the end.

    Args:
        stream: the network.
        captions: text model and connectors.
        plan: noise levels and sink; its ``before_pass`` is replaced by that of each job.
        sizes: of block and window; None = one sequence.
    """

    def __init__(
        self,
        stream: VideoStream,
        captions: CaptionEncoder,
        plan: RefinerPlan,
        sizes: BlockSizes | None = None,
    ) -> None:
        self._stream = stream
        self._captions = captions
        self._plan = plan
        self._sizes = sizes

    def passes(self, frames: int) -> int:
        """Calls of the network for a clip whose chunks are whole blocks behind the sink, as the released ones are."""
        steps = len(self._plan.sigmas) - 1
        if self._sizes is None:
            return steps
        blocks = -(-(frames - self._plan.sink_frames) // self._sizes.block)
        return 1 + blocks * (steps + 1)

    def refine(self, coarse: Iterable[Latents], job: RefinerJob) -> Iterator[Latents]:
        """Refined chunks; the sink comes back as it is."""
        plan = replace(self._plan, before_pass=job.before_pass)
        text = self._captions.encode([job.prompt])
        generator = named_generator(job.seed, "refiner")
        if self._sizes is None:
            whole = torch.cat(list(coarse), dim=2)
            yield refine_whole(self._stream, whole, text, noise_like(whole, generator), plan)
            return
        blocks = BlockRefiner(self._stream, text, plan, self._sizes)
        for chunk in coarse:
            yield blocks.refine_next(chunk, noise_like(chunk, generator))


def noise_like(latents: Latents, generator: torch.Generator) -> Latents:
    """Standard normal of the shape of ``latents``, drawn frame by frame: a cut in time changes no value."""
    batch, channels, frames, height, width = latents.shape
    drawn = [torch.randn(batch, channels, 1, height, width, generator=generator) for _ in range(frames)]
    return torch.cat(drawn, dim=2).to(latents.device)
