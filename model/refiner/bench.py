"""Time the block-wise refiner on this GPU at the released size, weights random: ``python -m model.refiner.bench``.

Blocks of three latent frames behind a growing and then a full window, with plain blocks and with compiled ones, on the
same latents and noise; their outputs are compared. Writes ``refiner.json`` as it goes.
"""

import argparse
import json
import statistics
import sys
import time
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from model.refiner.block_weights import CompiledBlocks
from model.refiner.inference import BlockRefiner
from model.refiner.plan import RefinerPlan
from model.refiner.released import is_audio
from model.refiner.transformer import RefinerConfig, RefinerText
from model.refiner.video_stream import VideoStream, video_blocks

FRAME_RATE, WORDS, BLOCK = 16.0, 1024, 3


def random_transformer(config: RefinerConfig, device: torch.device, dtype: torch.dtype) -> nn.Module:
    """The video half with random weights made on the device; the audio half stays on the meta device."""
    from diffusers import LTX2VideoTransformer3DModel

    with torch.device("meta"):
        network = LTX2VideoTransformer3DModel(**asdict(config))
    generator = torch.Generator(device).manual_seed(0)
    weights = {}
    for name, parameter in network.state_dict().items():
        if not is_audio(name):
            one = torch.empty(parameter.shape, device=device, dtype=dtype)
            weights[name] = one.fill_(1.0) if "norm" in name else one.normal_(std=0.02, generator=generator)
    network.load_state_dict(weights, strict=False, assign=True)
    return network.eval().requires_grad_(False)


def run(stream: VideoStream, text: RefinerText, chunks: list[tuple[Tensor, Tensor]]) -> tuple[list[Tensor], dict]:
    """Refine chunk after chunk; outputs, and milliseconds and window of each."""
    refiner, outputs, times, window = BlockRefiner(stream, text, RefinerPlan(FRAME_RATE)), [], [], []
    for coarse, noise in chunks:
        _wait(stream.device)
        began = time.perf_counter()
        outputs.append(refiner.refine_next(coarse, noise))
        _wait(stream.device)
        times.append(1e3 * (time.perf_counter() - began))
        window.append(refiner.window.bytes / 2**30 if refiner.window else 0.0)
    return outputs, {"chunk_ms": times, "window_gib": window}


def measure(config: RefinerConfig, grid: tuple[int, int], device: torch.device, blocks: int, out: Path) -> None:
    """Both ways, ``blocks`` chunks each, twice: the first compiled pass over the shapes pays for compiling them."""
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    network = random_transformer(config, device, dtype)
    draw = torch.Generator(device).manual_seed(1)
    states = torch.randn(1, WORDS, config.caption_channels, device=device, generator=draw)
    text = RefinerText(states, torch.ones(1, WORDS, device=device))
    sizes = [BLOCK + 1, *[BLOCK] * (blocks - 1)]
    shapes = [(2, 1, 128, frames, *grid) for frames in sizes]
    chunks = [tuple(torch.randn(shape, device=device, generator=draw)) for shape in shapes]
    device_name = torch.cuda.get_device_name() if device.type == "cuda" else "cpu"
    record: dict = {"device": device_name, "torch": torch.__version__, "grid": grid, "blocks": blocks, "rows": []}
    expected, plain = run(VideoStream(network), text, chunks)
    _keep(record, "plain", plain, 0.0, out)
    compiled = VideoStream(network, CompiledBlocks(video_blocks(network)))
    for name in ("compiled, first clip", "compiled"):
        found, times = run(compiled, text, chunks)
        error = max(float((one - other).norm() / other.norm()) for one, other in zip(found, expected, strict=True))
        _keep(record, name, times, error, out)
    _keep(record, "plain again", run(VideoStream(network), text, chunks)[1], 0.0, out)


def _keep(record: dict, name: str, times: dict, error: float, out: Path) -> None:
    full = times["chunk_ms"][-3:]  # the window is full by then
    row = {"call": name, "ms": statistics.median(full), "error": error, **times}
    if torch.cuda.is_available():
        row["peak_gib"] = torch.cuda.max_memory_allocated() / 2**30
    record["rows"].append(row)
    out.mkdir(parents=True, exist_ok=True)
    (out / "refiner.json").write_text(json.dumps(record, indent=1) + "\n")
    sys.stdout.write(f"{name:22} {row['ms']:9.1f} ms a block with a full window, error {error:.1e}\n")


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="directory for refiner.json")
    parser.add_argument("--blocks", type=int, default=9, help="chunks; the window is full from the sixth on")
    parser.add_argument("--tiny", action="store_true", help="a small network on the CPU: a test of this program")
    options = parser.parse_args(arguments)
    if not options.tiny and not torch.cuda.is_available():
        sys.stderr.write("error: the benchmark needs a GPU; --tiny tests it without one\n")
        return 2
    if options.tiny:
        measure(RefinerConfig.tiny(), (2, 3), torch.device("cpu"), options.blocks, options.out)
    else:
        measure(RefinerConfig.paper(), (22, 40), torch.device("cuda"), options.blocks, options.out)
    return 0


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    sys.exit(main())
