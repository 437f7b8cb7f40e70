"""Time a whole minute on this GPU at the released size, weights random: ``python -m model.generation.bench --out DIR``.

Stage 1 as CUDA graphs, the refiner with compiled blocks and the compiled causal decoder, one after the other (what each
takes) and on CUDA streams of their own (what the minute takes). H.264 and the text encoders are not in it. Writes
``minute.json`` as it goes.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from model.causal.layout import ChunkLayout
from model.codecs.causal_decoder.config import CausalDecoderConfig
from model.codecs.causal_decoder.decoder import CausalVideoDecoder
from model.codecs.causal_decoder.network import DecoderNetwork
from model.codecs.latent_statistics import LatentStatistics
from model.codecs.streaming import CausalChunks
from model.config import paper, tiny
from model.flow.bench import CHUNK, FRAME_STRIDE, WINDOW, Setting
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
            _wait()
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

    def add_refiner(self, config: RefinerConfig) -> None:
        """Clips timed from here on may be refined."""
        device, dtype = self._setting.device, self._setting.dtype
        network = random_transformer(config, device, dtype)
        blocks = CompiledBlocks(video_blocks(network)) if device.type == "cuda" else None
        stream = VideoStream(network, blocks) if blocks else VideoStream(network)
        states = torch.randn(1, WORDS, config.caption_channels, device=device)
        self._refine = stream, RefinerText(states, torch.ones(1, WORDS, device=device))

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
        _wait()
        began = time.perf_counter()
        for _ in layout.chunks:
            pixels.append(_issue(lanes, chunks, refiner, decoding))
            if not overlapped:
                arrivals.append(time.perf_counter() - began)
            elif len(pixels) > 1:  # at most one chunk is issued ahead of the one being shown
                pixels.pop(0)[1].synchronize()
                arrivals.append(time.perf_counter() - began)
            held.append(torch.cuda.memory_allocated() / GIB if noise.is_cuda else 0.0)
        _wait()
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

    def whole(self, raw_frames: int, causal: bool) -> dict:
        """One pass of the whole clip at batch 1: a step of the bidirectional mode or the teacher, unguided."""
        frames = (raw_frames - 1) // FRAME_STRIDE + 1
        layout = ChunkLayout.first_plus_one(frames, CHUNK) if causal else ChunkLayout.single(frames)
        noise, given = self._setting.conditions(frames)
        levels = torch.full((1, 1, frames), 700.0, device=noise.device)
        times = []
        for _ in range(2):
            _wait()
            began = time.perf_counter()
            self._model(noise, levels, given.text, given.camera, layout)
            _wait()
            times.append(time.perf_counter() - began)
        return {"step": "teacher" if causal else "bidirectional", "raw_frames": raw_frames, "seconds": times}


def measure(setting: Setting, sizes: tuple[CausalDecoderConfig, RefinerConfig], frames: list[int], out: Path) -> None:
    """Every clip without and then with the refiner, then single passes of the whole clip."""
    on_gpu = setting.device.type == "cuda"
    decoder = random_decoder(sizes[0], setting.device, setting.dtype)
    minute = Minute(setting, decoder.compiled() if on_gpu else decoder)
    record: dict = {"device": torch.cuda.get_device_name() if on_gpu else "cpu", "torch": torch.__version__}
    record |= {"grid": [setting.height, setting.width], "clips": [], "steps": []}
    for refined in (False, True):
        if refined:
            minute.add_refiner(sizes[1])
        # The first clip pays for graphs and compiling.
        runs = [(frames[0], False), *((count, False) for count in frames)]
        if on_gpu:
            runs[2:2] = [(count, True) for count in frames]
        for index, (count, overlapped) in enumerate(runs):
            record["clips"].append({"first": index == 0, **minute.clip(count, refined, overlapped)})
            _keep(out, record)
    for causal in (False, True):
        record["steps"].append(minute.whole(frames[-1], causal))
        _keep(out, record)


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


def _keep(out: Path, record: dict) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "minute.json").write_text(json.dumps(record, indent=1) + "\n")
    row = record["clips"][-1]
    sys.stdout.write(f"{row['raw_frames']} frames, refined {row['refined']}, overlapped {row['overlapped']}: ")
    sys.stdout.write(f"{row['seconds']:.2f} s, peak {row['peak_gib']:.1f} GiB\n")
    sys.stdout.flush()


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="directory for minute.json")
    parser.add_argument("--frames", nargs="+", type=int, default=[241, 961], help="raw frames of the clips")
    parser.add_argument("--tiny", action="store_true", help="small networks on the CPU: a test of this program")
    options = parser.parse_args(arguments)
    if not options.tiny and not torch.cuda.is_available():
        sys.stderr.write("error: the benchmark needs a GPU; --tiny tests it without one\n")
        return 2
    with torch.no_grad():
        if options.tiny:
            setting = Setting(tiny(), 4, 6, torch.device("cpu"), torch.float32, 1)
            measure(setting, (CausalDecoderConfig.tiny(), RefinerConfig.tiny()), options.frames, options.out)
        else:
            torch.backends.cudnn.benchmark = True
            setting = Setting(paper(), 22, 40, torch.device("cuda"), torch.bfloat16, 1)
            measure(setting, (CausalDecoderConfig.released(), RefinerConfig.paper()), options.frames, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
