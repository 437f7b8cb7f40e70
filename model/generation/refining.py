"""The second stage: what a refiner is to the pipeline, and the embedded one, which takes a whole clip at a time."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from model.codecs.protocols import TextEncoder
from model.refiner.sampler import refine
from model.refiner.store import LoadedRefiner, load_refiner
from model.refiner.transformer import RefinerText
from model.training.generators import named_generator

Latents = Float[Tensor, "batch channels frames height width"]


@dataclass(frozen=True)
class RefinerJob:
    """What a refiner is told beside the latents.

    Attributes:
        prompt: of the video.
        seed: of all noise.
        before_pass: called before every pass of the network; may raise to stop there.
    """

    prompt: str
    seed: int
    before_pass: Callable[[], None]


class Refiner(Protocol):
    """Stage 2. The first latent frame is kept verbatim; as many frames come out as go in."""

    def passes(self, frames: int) -> int:
        """Calls of the network for a clip of ``frames`` latent frames."""
        ...

    def refine(self, coarse: Iterable[Latents], job: RefinerJob) -> Iterator[Latents]:
        """Refined chunks in order, each as soon as the refiner can make it."""
        ...


class WholeClipRefiner:
    """A refiner that sees all frames together: three Euler steps over the clip (App. A).

    Args:
        loaded: transformer and record.
        text: encoder whose states the transformer was trained on.
        device: where the transformer is.
    """

    def __init__(self, loaded: LoadedRefiner, text: TextEncoder, device: torch.device) -> None:
        self._loaded = loaded
        self._text = text
        self._device = device

    @classmethod
    def load(cls, directory: Path, text: TextEncoder, device: torch.device) -> "WholeClipRefiner":
        """The refiner that stage ``refiner_lora`` wrote, in float32.

        Raises:
            InputError: a file is missing or broken.
        """
        loaded = load_refiner(directory)
        loaded.transformer.to(device)
        return cls(loaded, text, device)

    def passes(self, frames: int) -> int:
        """One a step, whatever the length."""
        del frames
        return len(self._loaded.info.sigmas) - 1

    def refine(self, coarse: Iterable[Latents], job: RefinerJob) -> Iterator[Latents]:
        """All frames at once, after the last one has come."""
        whole = torch.cat([chunk.to(self._device) for chunk in coarse], dim=2)
        encoded = self._text.encode([job.prompt])
        text = RefinerText(encoded.states.to(self._device), encoded.mask.float().to(self._device))
        noise = torch.randn(whole.shape, generator=named_generator(job.seed, "refiner")).to(whole)
        info = self._loaded.info
        hook = self._loaded.transformer.register_forward_pre_hook(lambda _module, _inputs: job.before_pass())
        try:
            yield refine(
                self._loaded.transformer,
                whole,
                text,
                noise,
                frame_rate=info.frame_rate,
                reference_frames=info.reference_frames,
                sigmas=info.sigmas,
            )
        finally:
            hook.remove()
