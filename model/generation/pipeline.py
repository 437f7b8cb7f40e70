"""A bundle, loaded once, that turns requests into videos. Knows nothing of files in or out, queues or HTTP."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from torch import Tensor

from data_contracts.bundle import BundleInfo
from data_contracts.errors import ErrorCode, InputError
from data_contracts.wire import GenerationMode, ModelCard
from model.backbone import SanaWM
from model.camera.conditioning import prepare_camera
from model.checkpoints import load_checkpoint
from model.codecs.protocols import SPACE_STRIDE, EncodedText, LatentEncoder, TextEncoder, latent_frames
from model.codecs.store import load_codec, load_null_text, load_text_encoder
from model.codecs.streaming import IndependentChunks, LatentStream
from model.flow.guidance import Conditions
from model.flow.rollout import GraphedRollout
from model.generation.bundle import REFINER_DIRECTORY, read_bundle_info
from model.generation.first_frame import prepare_first_frame
from model.generation.health import check_finite, check_visible
from model.generation.placement import Placement, place
from model.generation.refining import Refiner, RefinerJob, WholeClipRefiner
from model.generation.request import GenerationRequest, check_request
from model.generation.sampling import SamplingPlan, Streaming, plan_sampling, sample
from model.types import CameraConditioning, TextConditioning

GENERATION_THREADS = 1
"""CPU threads of everyone who generates, so that all get the same bits. A small network gains little from a second
thread, and on a busy machine its threads mostly wait for one another: thirty times slower was seen."""

Check = Callable[[], None]
Frames = UInt8[ndarray, "frames height width 3"]
Latents = Float[Tensor, "1 channels frames height width"]


def never_stop() -> None:
    """The check of a caller who never changes his mind."""


@dataclass(frozen=True)
class Encoders:
    """Pixels and words to tensors, and tensors back to pixels.

    Attributes:
        first_frame: encodes the first frame.
        text: encodes prompts.
        null_text: what guidance departs from.
        open_stream: a decoder for one clip.
        decoding_device: where decoders want their latents.
        modes: those whose chunks it can decode.
    """

    first_frame: LatentEncoder
    text: TextEncoder
    null_text: EncodedText
    open_stream: Callable[[], LatentStream]
    decoding_device: str = "cpu"
    modes: tuple[GenerationMode, ...] = tuple(GenerationMode)


class WorldPipeline:
    """One checkpoint with its codec, its text encoder and, where the bundle holds one, its refiner.

    Args:
        model: the backbone, in eval mode and placed.
        encoders: those it was trained with.
        info: how it is to be run.
        name: the name it is served under.
        placement: where the backbone is.
        refiner: stage 2.
    """

    def __init__(
        self,
        model: SanaWM,
        encoders: Encoders,
        info: BundleInfo,
        name: str,
        placement: Placement | None = None,
        refiner: Refiner | None = None,
    ) -> None:
        self._model = model
        self.placement = placement or Placement(next(model.parameters()).device)
        self._encoders = encoders
        self._graphs: GraphedRollout | None = None
        self.refiner = refiner
        self.info = info
        self._card = ModelCard(
            id=name,
            version=info.version,
            height=info.height,
            width=info.width,
            fps=info.fps,
            numerics=model.numerics.name,
            modes=list(encoders.modes),
        )

    @classmethod
    def load(
        cls, bundle: Path, name: str = "sana-wm", placement: Placement | None = None, with_refiner: bool = True
    ) -> "WorldPipeline":
        """Load a bundle directory; without a placement in float32, onto the GPU where there is one.

        ``with_refiner=False`` leaves stage 2 out and with it the seconds that importing its library takes.

        Raises:
            InputError: ``bundle.json`` is missing or broken.
            SanaWMError: the weights, the codec, the text encoder or the refiner cannot be used.
        """
        info = read_bundle_info(bundle)
        where = placement or Placement.best()
        codec = load_codec(bundle)
        text, null = load_text_encoder(bundle), load_null_text(bundle)
        encoders = Encoders(codec, text, null, lambda: IndependentChunks(codec))
        model, _ = load_checkpoint(bundle)
        place(model.eval(), where)
        refiner = None
        if with_refiner and (bundle / REFINER_DIRECTORY).is_dir():
            refiner = WholeClipRefiner.load(bundle / REFINER_DIRECTORY, encoders.text, where.device)
        return cls(model, encoders, info, name, where, refiner)

    @property
    def card(self) -> ModelCard:
        """What is served."""
        return self._card

    def plan(self, request: GenerationRequest) -> SamplingPlan:
        """How stage 1 of a request is sampled."""
        return plan_sampling(self.info, request.mode, latent_frames(request.raw_frames), request.steps)

    def passes(self, request: GenerationRequest) -> int:
        """Calls of all networks, which is how often ``check`` is called."""
        refined = self.refiner.passes(latent_frames(request.raw_frames)) if request.refine and self.refiner else 0
        return self.plan(request).passes + refined

    def generate(self, request: GenerationRequest) -> Frames:
        """All frames of a video."""
        return np.concatenate(list(self.stream(request, never_stop)))

    def stream(self, request: GenerationRequest, check: Check = never_stop) -> Iterator[Frames]:
        """Frames as they are made: chunk after chunk when streaming, all at once otherwise.

        ``check`` is called before every pass of a network and may raise to stop there. Equal requests give equal
        frames.

        Raises:
            InputError: the request cannot be generated.
            OperationError: the networks made numbers that are not finite, or black pictures.
        """
        yield from self.finish(self.coarse(request, check), request, check)

    def coarse(self, request: GenerationRequest, check: Check = never_stop) -> Iterator[Latents]:
        """Stage 1 alone: latents, chunk after chunk when streaming, all at once otherwise.

        Raises:
            InputError: the request cannot be generated.
            OperationError: the latents are not finite.
        """
        check_request(request, (self.info.height, self.info.width))
        self._check_mode(request.mode)
        if request.mode is GenerationMode.STREAMING:
            yield from _finite(self._sampled(request, check), "stage 1")
            return
        # The embedder of the latents is the first thing every pass calls.
        hook = self._model.x_embedder.register_forward_pre_hook(lambda _module, _inputs: check())
        try:
            yield from _finite(self._sampled(request, check), "stage 1")
        finally:
            hook.remove()

    @torch.no_grad()
    def finish(
        self, coarse: Iterable[Latents], request: GenerationRequest, check: Check = never_stop
    ) -> Iterator[Frames]:
        """Refine the latents of ``coarse`` if the request asks for it, and decode them.

        Raises:
            InputError: the request asks for a refiner and there is none.
            OperationError: the latents are not finite, or the pictures are black.
        """
        made, stream = 0, self._encoders.open_stream()
        for latents in self._refined(coarse, request, check):
            frames = _pixels(stream.decode_next(latents.to(self._encoders.decoding_device)))
            check_visible(frames, made, request.image)
            made += len(frames)
            yield frames

    def _refined(self, coarse: Iterable[Latents], request: GenerationRequest, check: Check) -> Iterable[Latents]:
        if not request.refine:
            return coarse
        if self.refiner is None:
            message = f"refine is true, but the bundle {self.info.version[:12]} holds no refiner"
            raise InputError(ErrorCode.REQUEST_INVALID, message, "pass --no-refine, or a bundle with a refiner")
        return _finite(self.refiner.refine(coarse, RefinerJob(request.prompt, request.seed, check)), "the refiner")

    def _check_mode(self, mode: GenerationMode) -> None:
        if mode not in self._encoders.modes:
            able = ", ".join(one.value for one in self._encoders.modes)
            message = f"mode is {mode.value}, but what is loaded can decode {able}"
            raise InputError(
                ErrorCode.REQUEST_INVALID, message, "streaming needs a causal decoder; add one, or pass --mode"
            )

    @torch.no_grad()
    def _sampled(self, request: GenerationRequest, check: Check) -> Iterator[Latents]:
        device, size = self.placement.device, (self.info.height, self.info.width)
        intrinsics, clean = request.intrinsics, None
        if request.image is not None:
            prepared = prepare_first_frame(request.image, *size)
            intrinsics = prepared.intrinsics(intrinsics, self.info.pixel_origin)
            clean = self._encoders.first_frame.encode(_signal(prepared.pixels)).to(device)
        grid = (size[0] // SPACE_STRIDE, size[1] // SPACE_STRIDE)
        camera = _moved(prepare_camera(request.camera_to_world, intrinsics, size, grid), device)
        plan = self.plan(request)
        generator = torch.Generator().manual_seed(request.seed)
        shape = (1, self._model.config.latent_channels, plan.layout.frames, *grid)
        noise = torch.randn(shape, generator=generator).to(device)
        text = _conditioning(self._encoders.text.encode([request.prompt]), device)
        null = _conditioning(self._encoders.null_text, device)
        given = Conditions(text, camera, null, plan.guidance)
        yield from sample(self._model, plan, noise, clean, given, Streaming(self._rollout(plan), check))

    def _rollout(self, plan: SamplingPlan) -> GraphedRollout | None:
        """The rollout whose CUDA graphs all videos of this pipeline share; None where graphs cannot be had."""
        if plan.mode is not GenerationMode.STREAMING or self.placement.device.type != "cuda" or self.placement.offload:
            return None
        if self._graphs is None:
            self._graphs = GraphedRollout(self._model, plan.window)
        self._graphs.restart()
        return self._graphs


def _finite(chunks: Iterable[Latents], what: str) -> Iterator[Latents]:
    frames = 0
    for latents in chunks:
        check_finite(latents, frames, what)
        frames += latents.shape[2]
        yield latents


def _conditioning(encoded: EncodedText, device: torch.device) -> TextConditioning:
    return TextConditioning(encoded.states.to(device), encoded.mask.to(device))


def _moved(camera: CameraConditioning, device: torch.device) -> CameraConditioning:
    return CameraConditioning(camera.camera_conditions.to(device), camera.packed_raymap.to(device))


def _signal(pixels: UInt8[ndarray, "height width 3"]) -> Float[Tensor, "1 3 1 height width"]:
    return (torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 127.5 - 1)[None, :, None]


def _pixels(video: Float[Tensor, "1 3 raw_frames height width"]) -> Frames:
    frames = ((video[0].clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return frames.permute(1, 2, 3, 0).contiguous().cpu().numpy()
