"""Time a whole minute on this GPU at the released size, weights random: ``python -m model.generation.bench --out DIR``.

Stage 1 compiled and as CUDA graphs, the refiner with compiled blocks and the compiled causal decoder, one after the
other (what each takes) and on CUDA streams of their own (what the minute takes); one step of the modes that take the
whole clip; a prompt through both text models. Floors are the counted operations at the rate of a large matrix product,
measured in the same run. H.264 runs on the CPU and is timed there (``python -m serving.bench_video``). Writes
``minute.json`` as it goes.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from model.bench_record import BenchRecord
from model.codecs.causal_decoder.config import CausalDecoderConfig
from model.config import paper, tiny
from model.floors import operations, product_rate
from model.flow.bench import Setting
from model.flow.schedule import STREAMING_SIGMAS
from model.generation.bench_budget import (
    TextModel,
    host_copy_rate,
    released_text_models,
    text_row,
    tiny_text_models,
)
from model.generation.bench_minute import Minute, random_decoder
from model.refiner.transformer import RefinerConfig


@dataclass(frozen=True)
class Sizes:
    """What is timed beside the backbone."""

    decoder: CausalDecoderConfig
    refiner: RefinerConfig
    texts: list[TextModel]


def measure(setting: Setting, sizes: Sizes, frames: list[int], out: Path) -> None:
    """Floors, clips and whole steps without the refiner, then clips with it, then the text models."""
    on_gpu = setting.device.type == "cuda"
    rate = product_rate(setting.device, setting.dtype, *(() if on_gpu else (64,)))
    device = torch.cuda.get_device_name() if on_gpu else "cpu"
    recorder = BenchRecord(out / "minute.json", {"device": device, "torch": torch.__version__, "product_flops": rate})
    recorder.record["grid"] = [setting.height, setting.width]
    minute = Minute(setting, random_decoder(sizes.decoder, setting.device, setting.dtype))
    passes = {"stage 1": len(STREAMING_SIGMAS) + 1}
    floors = {part: passes.get(part, 1) * operations(call) / rate for part, call in minute.plain_calls().items()}
    recorder.record["chunk_floor_seconds"] = floors
    if on_gpu:
        minute.compile()
    _clips(minute, recorder, frames, refined=False)
    for causal in (False, True):
        recorder.keep("steps", minute.whole(frames[-1], causal))
    floors["refiner"] = operations(minute.plain_refiner_call(sizes.refiner)) / rate
    minute.add_refiner(sizes.refiner)
    _clips(minute, recorder, frames, refined=True)
    del minute
    copies = host_copy_rate(setting.device, *(() if on_gpu else (1024,)))
    for text in sizes.texts:
        recorder.keep("texts", text_row(text, setting.device, setting.dtype, copies, rate))


def _clips(minute: Minute, recorder: BenchRecord, frames: list[int], *, refined: bool) -> None:
    """The first clip pays for graphs and compiling; then one after the other, and where there is a GPU overlapped."""
    runs = [(frames[0], False), *((count, False) for count in frames)]
    if torch.cuda.is_available():
        runs[2:2] = [(count, True) for count in frames]
    for index, (count, overlapped) in enumerate(runs):
        recorder.keep("clips", {"first": index == 0, **minute.clip(count, refined, overlapped)})


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
            sizes = Sizes(CausalDecoderConfig.tiny(), RefinerConfig.tiny(), tiny_text_models())
        else:
            torch.backends.cudnn.benchmark = True
            setting = Setting(paper(), 22, 40, torch.device("cuda"), torch.bfloat16, 1)
            sizes = Sizes(CausalDecoderConfig.released(), RefinerConfig.paper(), released_text_models())
        measure(setting, sizes, options.frames, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
