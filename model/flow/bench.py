"""Time stage 1 of streaming on this GPU at the released size, weights random: ``python -m model.flow.bench --out DIR``.

One chunk of three latent frames with a full window, as the reference, as Triton kernels, as one CUDA graph of them and
as one of compiled blocks; then whole rollouts of the last. Outputs of the timed calls are compared with the
reference's. Writes ``chunk.json`` as it goes.
"""

import argparse
import copy
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import torch
from torch import Tensor

from kernels.gate import Passed
from model.backbone import SanaWM
from model.causal.layout import ChunkLayout
from model.causal.state import CacheWindow
from model.compiled import compile_blocks
from model.config import BackboneConfig, paper, tiny, v2
from model.floors import operations, product_rate
from model.flow.guidance import Conditions
from model.flow.rollout import GraphedRollout, PlainRollout, Rollout
from model.flow.samplers import stream_chunks
from model.flow.schedule import STREAMING_SIGMAS, explicit_sigmas
from model.types import CameraConditioning, TextConditioning

CHUNK, FRAME_STRIDE = 3, 8
WINDOW = CacheWindow(2, sink=True)


@dataclass(frozen=True)
class Setting:
    """What is timed: the size of the network and of a latent frame."""

    config: BackboneConfig
    height: int
    width: int
    device: torch.device
    dtype: torch.dtype
    repeats: int

    def model(self) -> SanaWM:
        """Random weights made on the device, large enough that every branch speaks."""
        with torch.device("meta"):
            model = SanaWM(self.config, v2())
        model = model.to_empty(device=self.device).to(self.dtype).eval().requires_grad_(False)
        generator = torch.Generator(self.device).manual_seed(0)
        for name, parameter in model.named_parameters():
            spread = 0.02 if parameter.ndim > 1 else 0.1
            parameter.normal_(1.0 if "norm" in name else 0.0, spread, generator=generator)
        return model

    def conditions(self, frames: int) -> tuple[Tensor, Conditions]:
        """Noise, and a caption with a camera that walks forward."""
        draw = torch.Generator(self.device).manual_seed(1)
        config, kind = self.config, {"device": self.device, "dtype": self.dtype}
        noise = torch.randn(1, config.latent_channels, frames, self.height, self.width, generator=draw, **kind)
        states = torch.randn(1, config.text_tokens, config.caption_channels, generator=draw, **kind)
        text = TextConditioning(states, torch.ones(1, config.text_tokens, device=self.device))
        poses = torch.eye(4, device=self.device).repeat(1, frames, 1, 1)
        poses[..., 2, 3] = torch.linspace(0, frames / 10, frames, device=self.device)
        lens = torch.tensor([30.0, 30.0, self.width / 2, self.height / 2], device=self.device).expand(1, frames, 4)
        raymap = torch.randn(1, 48, frames, self.height, self.width, generator=draw, **kind)
        return noise, Conditions(text, CameraConditioning(torch.cat((poses.flatten(2), lens), -1), raymap))


@contextmanager
def without_kernels() -> Iterator[None]:
    """As on a device that fails the kernels' self-check: the reference runs."""
    with patch.object(Passed, "on", lambda _device, _dim: False):
        yield


def steady_pass(setting: Setting, rollout: Rollout) -> Callable[[], Tensor]:
    """One pass of a chunk that sees a full window, ready to be timed."""
    layout = ChunkLayout.streaming(4 + 4 * CHUNK, CHUNK)
    noise, given = setting.conditions(layout.frames)
    for start, stop in layout.chunks[:-1]:
        rollout.begin(given.frames(start, stop), noise[:, :, start:stop])
        rollout.absorb(noise[:, :, start:stop])
    start, stop = layout.chunks[-1]
    latents = noise[:, :, start:stop]
    timesteps = torch.full((1, 1, stop - start), 700.0, device=setting.device)
    rollout.begin(given.frames(start, stop), latents)
    return lambda: rollout.velocity(latents, timesteps)


def seconds(call: Callable[[], object], setting: Setting) -> float:
    """Wall seconds of one call, the device's work included."""
    _wait(setting)
    began = time.perf_counter()
    call()
    _wait(setting)
    return time.perf_counter() - began


def chunk_rows(setting: Setting, model: SanaWM, fast: SanaWM) -> list[dict]:
    """Milliseconds of one pass: medians over alternating rounds, with the error against the reference.

    ``fast`` is ``model`` with compiled blocks.
    """
    with without_kernels():
        reference = steady_pass(setting, PlainRollout(model, WINDOW))
        expected = reference().float().clone()
    calls = {"kernels": steady_pass(setting, PlainRollout(model, WINDOW))}
    if setting.device.type == "cuda":
        calls["kernels, CUDA graph"] = steady_pass(setting, GraphedRollout(model, WINDOW))
        calls["compiled, CUDA graph"] = steady_pass(setting, GraphedRollout(fast, WINDOW))
    errors = {name: _error(call().float(), expected) for name, call in calls.items()}
    times: dict[str, list[float]] = {"reference": [], **{name: [] for name in calls}}
    for _ in range(setting.repeats):
        with without_kernels():
            times["reference"].append(1e3 * seconds(reference, setting))
        for name, call in calls.items():
            times[name].append(1e3 * seconds(call, setting))
    return [
        {"call": name, "ms": statistics.median(rounds), "rounds": rounds, "error": errors.get(name, 0.0)}
        for name, rounds in times.items()
    ]


def rollout_row(setting: Setting, rollout: Rollout, raw_frames: int) -> dict:
    """A whole stage 1: seconds of every chunk, and the memory held after each."""
    layout = ChunkLayout.streaming((raw_frames - 1) // FRAME_STRIDE + 1, CHUNK)
    noise, given = setting.conditions(layout.frames)
    chunks = stream_chunks(rollout, noise, noise[:, :, :1], given, explicit_sigmas(STREAMING_SIGMAS), layout)
    times, held = [], []
    for _ in layout.chunks:
        times.append(seconds(lambda: next(chunks), setting))
        held.append(torch.cuda.memory_allocated() / 2**30 if setting.device.type == "cuda" else 0.0)
    total = sum(times)
    return {
        "raw_frames": raw_frames,
        "seconds": total,
        "first_chunk_seconds": times[0],
        "x_realtime": raw_frames / 16 / total,
        "chunk_seconds": times,
        "held_gib": held,
        "peak_gib": torch.cuda.max_memory_allocated() / 2**30 if setting.device.type == "cuda" else 0.0,
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="directory for chunk.json")
    parser.add_argument("--repeats", type=int, default=15, help="alternating rounds")
    parser.add_argument("--frames", nargs="+", type=int, default=(241, 961), help="raw frames of the rollouts")
    parser.add_argument("--tiny", action="store_true", help="a small network on the CPU: a test of this program")
    options = parser.parse_args(arguments)
    if not options.tiny and not torch.cuda.is_available():
        sys.stderr.write("error: the benchmark needs a GPU; --tiny tests it without one\n")
        return 2
    setting = (
        Setting(tiny(), 6, 10, torch.device("cpu"), torch.float32, options.repeats)
        if options.tiny
        else Setting(paper(), 22, 40, torch.device("cuda"), torch.bfloat16, options.repeats)
    )
    with torch.no_grad():
        _measure(setting, options.out, options.frames)
    return 0


def _measure(setting: Setting, out: Path, raw_frames: list[int]) -> None:
    model = setting.model()
    device = torch.cuda.get_device_name() if setting.device.type == "cuda" else "cpu"
    record: dict = {"device": device, "torch": torch.__version__, "grid": [setting.height, setting.width]}
    plain = steady_pass(setting, PlainRollout(model, WINDOW))
    rate = product_rate(setting.device, setting.dtype, *(() if setting.device.type == "cuda" else (64,)))
    record["floor_ms"] = 1e3 * operations(plain) / rate
    fast = copy.deepcopy(model)
    if setting.device.type == "cuda":
        compile_blocks(fast)
    record["chunk"] = chunk_rows(setting, model, fast)
    _write(out, record)
    del model
    graphed = GraphedRollout(fast, WINDOW) if setting.device.type == "cuda" else None
    record["rollouts"] = []
    # The first rollout pays for the capture of its graphs, the second finds them made; both are reported.
    for frames in (raw_frames[0], *raw_frames):
        if graphed is not None:
            graphed.restart()
        record["rollouts"].append(rollout_row(setting, graphed or PlainRollout(fast, WINDOW), frames))
        _write(out, record)
    _show(record)


def _write(out: Path, record: dict) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "chunk.json").write_text(json.dumps(record, indent=1) + "\n")


def _show(record: dict) -> None:
    rows = [f"{row['call']:22} {row['ms']:8.2f} ms  error {row['error']:.1e}" for row in record["chunk"]]
    rows += [f"{row['raw_frames']} frames: {row['seconds']:.2f} s" for row in record["rollouts"]]
    sys.stdout.write("\n".join(rows) + "\n")


def _error(output: Tensor, expected: Tensor) -> float:
    return float((output - expected).norm() / expected.norm())


def _wait(setting: Setting) -> None:
    if setting.device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    sys.exit(main())
