"""A streamed clip at the released size with random weights: its networks, and the time of every part and chunk."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from model.causal.layout import ChunkLayout
from model.codecs.causal_decoder.config import CausalDecoderConfig
from model.codecs.causal_decoder.decoder import CausalVideoDecoder
from model.codecs.causal_decoder.network import DecoderNetwork
from model.codecs.latent_statistics import LatentStatistics
from model.codecs.streaming import CausalChunks
from model.compiled import compile_blocks
from model.flow.bench import CHUNK, FRAME_STRIDE, WINDOW, Setting, steady_pass
from model.flow.rollout import GraphedRollout, PlainRollout
from model.flow.samplers import stream_chunks
from model.flow.schedule import STREAMING_SIGMAS, explicit_sigmas
from model.refiner.bench import FRAME_RATE, WORDS, random_transformer
from model.refiner.block_weights import CompiledBlocks
from model.refiner.inference import BlockRefiner
from model.refiner.plan import RefinerPlan
from model.refiner.transformer import RefinerConfig, RefinerText
from model.refiner.video_stream import VideoStream, video_blocks

GIB = 2**30
FILLS_WINDOW = 5


def random_decoder(config: CausalDecoderConfig, device: torch.device, dtype: torch.dtype) -> CausalVideoDecoder:
    """The causal decoder with random weights of variance one over the fan-in, made on the device."""
    with torch.device("meta"):
        network = DecoderNetwork(config)
    network = network.to_empty(device=device).to(dtype).eval().requires_grad_(False)
    generator = torch.Generator(device).manual_seed(2)
    for parameter in network.parameters():
        fan_in = parameter[0].numel() if parameter.ndim > 1 else 100
        parameter.normal_(0.0, fan_in**-0.5, generator=generator)
    channels = config.latent_channels
    statistics = LatentStatistics(torch.zeros(channels, device=device), torch.ones(channels, device=device), 1.0)
    return CausalVideoDecoder(network, statistics)


@dataclass
class Lane:
    """One part of the pipeline: its CUDA stream (None = the one in use) and what its chunks took."""

    stream: torch.cuda.Stream | None
    seconds: list[float] = field(default_factory=list)

    def after(self, call: Callable[[], Tensor], source: Tensor | None, wait: bool) -> Tensor:
        """Issue a call whose input ``source`` another stream made; ``wait`` for it and keep its seconds."""
        began = time.perf_counter()
        if self.stream is not None:
            self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            if source is not None and self.stream is not None:
                source.record_stream(self.stream)
            output = call()
        if wait:
            wait_for_device()
            self.seconds.append(time.perf_counter() - began)
        return output


class Minute:
    """The networks of a streamed clip, warm from one clip to the next."""

    def __init__(self, setting: Setting, decoder: CausalVideoDecoder) -> None:
        self._setting = setting
        self._decoder = decoder
        self._model = setting.model()
        self._graphed = GraphedRollout(self._model, WINDOW) if setting.device.type == "cuda" else None
        self._refine: tuple[VideoStream, RefinerText] | None = None
        self._transformer: nn.Module | None = None

    def add_refiner(self, config: RefinerConfig) -> None:
        """Clips timed from here on may be refined."""
        network = self._network(config)
        blocks = CompiledBlocks(video_blocks(network)) if self._setting.device.type == "cuda" else None
        self._refine = VideoStream(network, blocks), self._caption(config)

    def _network(self, config: RefinerConfig) -> nn.Module:
        if self._transformer is None:
            self._transformer = random_transformer(config, self._setting.device, self._setting.dtype)
        return self._transformer

    def _caption(self, config: RefinerConfig) -> RefinerText:
        device = self._setting.device
        states = torch.randn(1, WORDS, config.caption_channels, device=device)
        return RefinerText(states, torch.ones(1, WORDS, device=device))

    def clip(self, raw_frames: int, refined: bool, overlapped: bool) -> dict:
        """One clip: its seconds, and where nothing overlaps those of every chunk of every part."""
        layout = ChunkLayout.streaming((raw_frames - 1) // FRAME_STRIDE + 1, CHUNK)
        noise, given = self._setting.conditions(layout.frames)
        refiner = BlockRefiner(*self._refine, RefinerPlan(FRAME_RATE)) if refined and self._refine else None
        if self._graphed is not None:
            self._graphed.restart()
        rollout = self._graphed or PlainRollout(self._model, WINDOW)
        chunks = stream_chunks(rollout, noise, noise[:, :, :1], given, explicit_sigmas(STREAMING_SIGMAS), layout)
        decoding = CausalChunks(self._decoder)
        streams = [torch.cuda.Stream() for _ in range(2)] if overlapped else [None, None]
        lanes = {"stage 1": Lane(None), "refiner": Lane(streams[0]), "decoder": Lane(streams[1])}
        arrivals, held, pixels = [], [], []
        wait_for_device()
        if noise.is_cuda:
            torch.cuda.reset_peak_memory_stats()
        began = time.perf_counter()
        for _ in layout.chunks:
            pixels.append(_issue(lanes, chunks, refiner, decoding))
            if not overlapped:
                arrivals.append(time.perf_counter() - began)
            elif len(pixels) > 1:  # at most one chunk is issued ahead of the one being shown
                pixels.pop(0)[1].synchronize()
                arrivals.append(time.perf_counter() - began)
            held.append(torch.cuda.memory_allocated() / GIB if noise.is_cuda else 0.0)
        wait_for_device()
        total = time.perf_counter() - began
        if overlapped:
            arrivals.append(total)
        return {
            "raw_frames": raw_frames,
            "refined": refined,
            "overlapped": overlapped,
            "seconds": total,
            "x_realtime": raw_frames / FRAME_RATE / total,
            "first_chunk_seconds": arrivals[0],
            "arrival_seconds": arrivals,
            "part_seconds": {name: lane.seconds for name, lane in lanes.items()},
            "held_gib": held,
            "peak_gib": torch.cuda.max_memory_allocated() / GIB if noise.is_cuda else 0.0,
        }

    def plain_calls(self) -> dict[str, Callable[[], object]]:
        """A chunk of stage 1 (one of its passes) and of the decoder behind full windows, nothing of it compiled."""
        passed = steady_pass(self._setting, PlainRollout(self._model, WINDOW))
        latents, decoding = self._latents(), CausalChunks(self._decoder)
        decoding.decode_next(latents)
        return {"stage 1": passed, "decoder": lambda: decoding.decode_next(latents)}

    def plain_refiner_call(self, config: RefinerConfig) -> Callable[[], object]:
        """A chunk of the refiner behind a full window, not compiled."""
        stream, text = VideoStream(self._network(config)), self._caption(config)
        refiner, latents = BlockRefiner(stream, text, RefinerPlan(FRAME_RATE)), self._latents()
        for _ in range(FILLS_WINDOW):
            refiner.refine_next(latents, latents)
        return lambda: refiner.refine_next(latents, latents)

    def compile(self) -> None:
        """Clips timed from here on use backbone and decoder compiled."""
        compile_blocks(self._model)
        self._decoder.compiled()

    def _latents(self) -> Tensor:
        return torch.randn(1, 128, CHUNK, self._setting.height, self._setting.width, device=self._setting.device)

    def whole(self, raw_frames: int, causal: bool) -> dict:
        """One pass of the whole clip at batch 1: a step of the bidirectional mode or the teacher, unguided."""
        frames = (raw_frames - 1) // FRAME_STRIDE + 1
        layout = ChunkLayout.first_plus_one(frames, CHUNK) if causal else ChunkLayout.single(frames)
        noise, given = self._setting.conditions(frames)
        levels = torch.full((1, 1, frames), 700.0, device=noise.device)
        times = []
        for _ in range(2):
            wait_for_device()
            began = time.perf_counter()
            self._model(noise, levels, given.text, given.camera, layout)
            wait_for_device()
            times.append(time.perf_counter() - began)
        return {"step": "teacher" if causal else "bidirectional", "raw_frames": raw_frames, "seconds": times}


def _issue(
    lanes: dict[str, Lane], chunks: Iterator[Tensor], refiner: BlockRefiner | None, decoding: CausalChunks
) -> tuple[Tensor, torch.Event | None]:
    """Issue the next chunk of every part; its pixels, and the event of their arrival where parts overlap."""
    wait, last = lanes["decoder"].stream is None, lanes["decoder"].stream
    latents = lanes["stage 1"].after(lambda: next(chunks).clone().float(), None, wait)
    if refiner is not None:
        drawn = torch.randn_like(latents)
        own = lanes["refiner"].stream
        if own is not None:
            drawn.record_stream(own)
        coarse = latents
        latents = lanes["refiner"].after(lambda: refiner.refine_next(coarse, drawn), latents, wait)
        if last is not None and own is not None:
            last.wait_stream(own)
    pixels = lanes["decoder"].after(lambda: _bytes(decoding.decode_next(latents)), latents, wait)
    return pixels, last.record_event() if last is not None else None


def _bytes(video: Tensor) -> Tensor:
    """Pixels as they go to an encoder, on the CPU."""
    pixels = ((video + 1) * 127.5).round().to(torch.uint8)
    return pixels.to("cpu", non_blocking=True)


def wait_for_device() -> None:
    """All issued work is done."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
