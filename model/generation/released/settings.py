"""How a released checkpoint is run: what neither its weights nor its files say (``model_spec.md`` sections 5 and 6)."""

from collections.abc import Mapping
from dataclasses import dataclass

from data_contracts.bundle import BundleInfo, PixelOrigin
from data_contracts.weights import WeightsLayout
from data_contracts.wire import GenerationMode
from model.flow.schedule import STREAMING_SIGMAS

SIZE = (704, 1280)
FRAME_RATE = 16.0
CHUNK_FRAMES = 3
CACHED_CHUNKS = 2
STEPS = 60
GUIDANCE = 5.0
SHIFT = 9.8
STREAMING_SHIFT = 8.0
MODES: Mapping[WeightsLayout, GenerationMode] = {
    WeightsLayout.BIDIRECTIONAL: GenerationMode.BIDIRECTIONAL,
    WeightsLayout.DIFFUSERS: GenerationMode.BIDIRECTIONAL,
    WeightsLayout.CHUNK_CAUSAL: GenerationMode.TEACHER,
    WeightsLayout.STREAMING: GenerationMode.STREAMING,
}
"""The mode each was trained for."""


@dataclass(frozen=True)
class ReleasedRun:
    """What a caller may choose.

    Attributes:
        mode: how stage 1 is sampled; it also decides how the refiner runs.
        numerics: profile; None = that of the layout.
        height: of the video, pixels, a multiple of 32; ``width`` likewise.
        compiled: compile backbone, refiner and decoder: a minute at the start, less time afterwards.
    """

    mode: GenerationMode
    numerics: str | None = None
    height: int = SIZE[0]
    width: int = SIZE[1]
    compiled: bool = False


def released_info(layout: WeightsLayout, run: ReleasedRun, version: str) -> BundleInfo:
    """The released samplers' own settings; ``version`` is the digest of the backbone."""
    return BundleInfo(
        version=version,
        height=run.height,
        width=run.width,
        fps=FRAME_RATE,
        chunk_frames=CHUNK_FRAMES,
        cached_chunks=CACHED_CHUNKS,
        sink=True,
        streaming_sigmas=list(STREAMING_SIGMAS),
        steps=STEPS,
        shift=STREAMING_SHIFT if layout is WeightsLayout.STREAMING else SHIFT,
        guidance=GUIDANCE,
        pixel_origin=PixelOrigin.CORNER,
    )
