"""A bundle, loaded once, that turns requests into videos. Knows nothing of files in or out, queues or HTTP."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from pydantic import ValidationError
from torch import Tensor

from data_contracts.bundle import BundleInfo
from data_contracts.errors import ErrorCode, InputError
from data_contracts.wire import GenerationMode, ModelCard
from model.backbone import SanaWM
from model.camera.conditioning import prepare_camera
from model.causal.layout import ChunkLayout
from model.causal.state import CacheWindow
from model.checkpoints import load_checkpoint
from model.codecs.protocols import SPACE_STRIDE, EncodedText, LatentCodec, TextEncoder, latent_frames
from model.codecs.store import load_codec, load_null_text, load_text_encoder
from model.flow.guidance import Conditions
from model.flow.samplers import sample_bidirectional, stream_chunks
from model.flow.schedule import euler_sigmas, explicit_sigmas
from model.generation.first_frame import prepare_first_frame
from model.generation.request import GenerationRequest, check_request
from model.types import CameraConditioning, TextConditioning

GENERATION_THREADS = 1
"""CPU threads of everyone who generates, so that all get the same bits. A small network gains little from a second
thread, and on a busy machine its threads mostly wait for one another: thirty times slower was seen."""

Check = Callable[[], None]
Frames = UInt8[ndarray, "frames height width 3"]


def never_stop() -> None:
    """The check of a caller who never changes his mind."""


@dataclass(frozen=True)
class Encoders:
    """Pixels and words to tensors."""

    codec: LatentCodec
    text: TextEncoder
    null_text: EncodedText


class WorldPipeline:
    """One checkpoint with its codec and text encoder.

    Args:
        model: the backbone, in eval mode.
        encoders: those it was trained with.
        info: how it is to be run.
        name: the name it is served under.
    """

    def __init__(self, model: SanaWM, encoders: Encoders, info: BundleInfo, name: str) -> None:
        self._model = model
        self._device = next(model.parameters()).device
        self._encoders = encoders
        self.info = info
        self._card = ModelCard(
            id=name,
            version=info.version,
            height=info.height,
            width=info.width,
            fps=info.fps,
            numerics=model.numerics.name,
            modes=list(GenerationMode),
        )

    @classmethod
    def load(cls, bundle: Path, name: str = "sana-wm") -> "WorldPipeline":
        """Load a bundle directory onto the GPU where there is one, else onto the CPU.

        Raises:
            InputError: ``bundle.json`` is missing or broken.
            SanaWMError: the weights, the codec or the text encoder cannot be used.
        """
        try:
            info = BundleInfo.model_validate_json((bundle / "bundle.json").read_bytes())
        except (OSError, ValidationError) as error:
            message = f"bundle.json in {bundle.name} cannot be used: {str(error).splitlines()[0]}"
            raise InputError(ErrorCode.WEIGHTS_INVALID, message, "pass the bundle of a release") from None
        encoders = Encoders(load_codec(bundle), load_text_encoder(bundle), load_null_text(bundle))
        model, _ = load_checkpoint(bundle)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return cls(model.eval().to(device), encoders, info, name)

    @property
    def card(self) -> ModelCard:
        """What is served."""
        return self._card

    def generate(self, request: GenerationRequest) -> Frames:
        """All frames of a video."""
        return np.concatenate(list(self.stream(request, never_stop)))

    def stream(self, request: GenerationRequest, check: Check = never_stop) -> Iterator[Frames]:
        """Frames as they are made: chunk after chunk when streaming, all at once otherwise.

        ``check`` is called before every pass of the network and may raise to stop there. Equal requests give equal
        frames.

        Raises:
            InputError: the request cannot be generated.
        """
        check_request(request, (self.info.height, self.info.width))
        # The embedder of the latents is the first thing every pass calls, with or without a carried state.
        hook = self._model.x_embedder.register_forward_pre_hook(lambda _module, _inputs: check())
        try:
            yield from self._decoded(request)
        finally:
            hook.remove()

    @torch.no_grad()
    def _decoded(self, request: GenerationRequest) -> Iterator[Frames]:
        first = True
        for latents in self._latents(request):
            yield _pixels(self._encoders.codec.decode(latents.cpu(), starts_clip=first))
            first = False

    def _latents(self, request: GenerationRequest) -> Iterator[Float[Tensor, "1 channels frames height width"]]:
        size = (self.info.height, self.info.width)
        intrinsics, clean = request.intrinsics, None
        if request.image is not None:
            prepared = prepare_first_frame(request.image, *size)
            intrinsics = prepared.intrinsics(intrinsics)
            clean = self._encoders.codec.encode(_signal(prepared.pixels))
        grid = (size[0] // SPACE_STRIDE, size[1] // SPACE_STRIDE)
        camera = _moved(prepare_camera(request.camera_to_world, intrinsics, size, grid), self._device)
        frames = latent_frames(request.raw_frames)
        generator = torch.Generator().manual_seed(request.seed)
        noise = torch.randn(1, self._model.config.latent_channels, frames, *grid, generator=generator).to(self._device)
        text = _conditioning(self._encoders.text.encode([request.prompt]), self._device)
        if request.mode is GenerationMode.STREAMING:
            sigmas = self._streaming_sigmas(request.steps)
            layout = ChunkLayout.streaming(frames, self.info.chunk_frames)
            window = CacheWindow(self.info.cached_chunks, self.info.sink)
            yield from stream_chunks(self._model, noise, clean, Conditions(text, camera), sigmas, layout, window)
        else:
            given = Conditions(text, camera, _conditioning(self._encoders.null_text, self._device), self.info.guidance)
            sigmas = euler_sigmas(self.info.shift, request.steps or self.info.steps)
            yield sample_bidirectional(self._model, noise, clean, given, sigmas)

    def _streaming_sigmas(self, steps: int | None) -> Float[Tensor, " points"]:
        own = self.info.streaming_sigmas
        return explicit_sigmas(own) if steps in (None, len(own)) else euler_sigmas(self.info.shift, steps)


def _conditioning(encoded: EncodedText, device: torch.device) -> TextConditioning:
    return TextConditioning(encoded.states.to(device), encoded.mask.to(device))


def _moved(camera: CameraConditioning, device: torch.device) -> CameraConditioning:
    return CameraConditioning(camera.camera_conditions.to(device), camera.packed_raymap.to(device))


def _signal(pixels: UInt8[ndarray, "height width 3"]) -> Float[Tensor, "1 3 1 height width"]:
    return (torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 127.5 - 1)[None, :, None]


def _pixels(video: Float[Tensor, "1 3 raw_frames height width"]) -> Frames:
    frames = ((video[0].clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return frames.permute(1, 2, 3, 0).contiguous().numpy()
