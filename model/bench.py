"""Time blocks and the whole forward pass on this GPU beside the frozen peers: ``python -m model.bench --out DIR``.

The released size, one minute (121 latent frames of 22 x 40), weights random. A floor is the arithmetic of a block's
matrix products at the rate those products reach in this run. The peers (``peers.py`` and what it imports) are used
unmodified where Python can import them, in alternating rounds. Writes ``blocks.json`` as it goes.
"""

import argparse
import copy
import importlib.util
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from triton.testing import do_bench

from model.backbone import SanaWM
from model.bench_record import BenchRecord
from model.causal.layout import ChunkLayout
from model.compiled import compile_blocks, compiled_block
from model.config import BackboneConfig, paper
from model.flow.bench import Setting
from model.flow.guidance import Conditions
from model.quantize.fp8_linear import replace_layers
from model.recomputation import fully, selectively

MINUTE, TRAINED = 121, 61
LEVEL, LONG_MS = 700.0, 150.0
PEER = "peer"
Call = Callable[[], Tensor]


@dataclass(frozen=True)
class Problem:
    """One block and what it was given inside a forward pass of the whole network."""

    block: nn.Module
    arguments: tuple

    def call(self) -> Tensor:
        """The block's tokens."""
        return self.block(*self.arguments)[0]


@dataclass(frozen=True)
class Rounds:
    """Calls timed in turn, ``repeats`` times."""

    recorder: BenchRecord
    repeats: int

    def compare(self, section: str, calls: dict[str, Call], floor_ms: float, checked: "Checked | None" = None) -> None:
        """Time calls in turn, report them over a floor (0 = none), and check those whose result is ours to check."""
        errors, peaks = {}, {}
        for name, call in calls.items():
            call()  # compiles
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            output = call()
            peaks[name] = (torch.cuda.max_memory_allocated() - before) / 2**30
            errors[name] = checked.errors(output) if checked and not name.startswith(PEER) else {}
            del output
        rounds = [{name: milliseconds(call) for name, call in calls.items()} for _ in range(self.repeats)]
        for name in calls:
            times = [one[name] for one in rounds]
            ms = statistics.median(times)
            row = {"section": section, "call": name, "ms": ms, "over_floor": ms / floor_ms if floor_ms else None}
            self.recorder.keep("rows", row | {"rounds": times, "peak_gib": peaks[name]} | errors[name])


@dataclass(frozen=True)
class Checked:
    """What a result is compared with: the plain bfloat16 call's and float32's, both updates of ``start``."""

    start: Tensor
    expected: Tensor
    exact: Tensor

    def errors(self, output: Tensor) -> dict[str, float]:
        """By what it is compared with."""
        return {
            "error": update_error(output, self.expected, self.start),
            "error_from_float32": update_error(output, self.exact, self.start),
        }


def update_error(output: Tensor, truth: Tensor, start: Tensor) -> float:
    """Relative root mean square of an update of ``start``."""
    truth = truth.float()
    return float((output.float() - truth).norm() / (truth - start.float()).norm())


def widened(value: Any) -> Any:  # noqa: ANN401 - any argument of a block comes back in its own type
    """Tensors in float32, inside of whatever holds them."""
    if isinstance(value, Tensor):
        return value.float() if value.is_floating_point() else value
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: widened(getattr(value, one.name)) for one in fields(value) if one.init})
    return value


def exactly(problem: Problem) -> Tensor:
    """The block's tokens in float32."""
    return Problem(copy.deepcopy(problem.block).float(), tuple(map(widened, problem.arguments))).call()


def milliseconds(call: Call) -> float:
    """One call: the median of calls one after another, of a long one alone a single call.

    A card that was just idle or moving memory has clocks to spare: calls before the timed ones take them away.
    """
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    call()
    end.record()
    torch.cuda.synchronize()
    once = begin.elapsed_time(end)
    return once if once > LONG_MS else do_bench(call, warmup=200, rep=600, return_mode="median")


def product_rates(tokens: int, hidden: int, device: torch.device, repeats: int) -> list[float]:
    """Operations a second of the four products of a block: the three widths up, and the feed-forward's way down."""
    rates = []
    for columns, inner in ((3, 1), (1, 1), (6, 1), (1, 3)):
        left = torch.randn(tokens, inner * hidden, device=device, dtype=torch.bfloat16)
        right = torch.randn(columns * hidden, inner * hidden, device=device, dtype=torch.bfloat16)
        call = partial(nn.functional.linear, left, right)
        call()
        ms = statistics.median(milliseconds(call) for _ in range(repeats))
        rates.append(2 * tokens * columns * inner * hidden**2 / ms * 1e3)
    return rates


def problems(setting: Setting, frames: int) -> dict[str, Problem]:
    """A GDN and a softmax block with the inputs that a network of these two gives them."""
    model = replace(setting, config=two_blocks(setting.config)).model()
    noise, given = setting.conditions(frames)
    found: dict[str, Problem] = {}
    names = dict(zip(model.blocks, ("gdn", "softmax"), strict=True))
    hooks = [
        block.register_forward_pre_hook(lambda one, inputs: found.update({names[one]: Problem(one, inputs)}))
        for block in model.blocks
    ]
    model(noise, torch.full((1, 1, frames), LEVEL, device=noise.device), given.text, given.camera, single(frames))
    for hook in hooks:
        hook.remove()
    return found


def two_blocks(config: BackboneConfig) -> BackboneConfig:
    """One block of each kind."""
    return replace(config, depth=2, softmax_blocks=(1,))


def single(frames: int) -> ChunkLayout:
    """All frames together."""
    return ChunkLayout.single(frames)


def block_rows(setting: Setting, rounds: Rounds, rate: float) -> None:
    """Each kind of block: plain, compiled, compiled with FP8 products, and the peer's."""
    tokens = MINUTE * setting.height * setting.width
    hidden = setting.config.hidden
    product_ms = 1e3 * 24 * hidden**2 * 2 * tokens / rate
    attention_ms = 1e3 * 2 * 4 * tokens**2 * hidden / rate
    for kind, problem in problems(setting, MINUTE).items():
        eighth = Problem(copy.deepcopy(problem.block), problem.arguments)
        replace_layers(eighth.block)
        calls = {"plain": problem.call, "compiled": compiled(problem).call, "compiled, FP8": compiled(eighth).call}
        floor = product_ms + (attention_ms if kind == "softmax" else 0)
        rounds.compare(
            kind, calls | peer_block(kind), floor, Checked(problem.arguments[0], problem.call(), exactly(problem))
        )


def compiled(problem: Problem) -> Problem:
    """The same block through ``torch.compile``."""
    return Problem(compiled_block(problem.block), problem.arguments)


def full_rows(setting: Setting, rounds: Rounds, rate: float) -> None:
    """The whole forward pass: compiled blocks, and the peer's compiled stack of as many."""
    model = setting.model()
    noise, given = setting.conditions(MINUTE)
    level = torch.full((1, 1, MINUTE), LEVEL, device=noise.device)

    def forward() -> Tensor:
        return model(noise, level, given.text, given.camera, single(MINUTE))

    plain, exact = forward(), exact_forward(model, noise, level, given)
    compile_blocks(model)
    tokens, config = MINUTE * setting.height * setting.width, setting.config
    work = config.depth * 24 * config.hidden**2 * 2 * tokens
    work += 2 * len(config.softmax_blocks) * 4 * tokens**2 * config.hidden
    rounds.recorder.record["full_plain_from_float32"] = update_error(plain, exact, torch.zeros_like(plain))
    rounds.compare(
        "full", {"compiled": forward} | peer_stack(), 1e3 * work / rate, Checked(torch.zeros_like(plain), plain, exact)
    )


def exact_forward(model: SanaWM, noise: Tensor, level: Tensor, given: Conditions) -> Tensor:
    """The whole pass in float32."""
    wide, noise, given = copy.deepcopy(model).float(), widened(noise), widened(given)
    return wide(noise, level, given.text, given.camera, single(MINUTE))


def training_rows(setting: Setting, rounds: Rounds) -> None:
    """Forward and backward of a checkpointed GDN block at the length of one of two ranks."""
    problem = problems(setting, TRAINED)["gdn"]
    block = compiled(problem).block
    with torch.enable_grad():
        leaves = [problem.arguments[0].detach().requires_grad_(), *problem.block.parameters()]
        for leaf in leaves:
            leaf.requires_grad_()
        arguments = (leaves[0], *problem.arguments[1:])
        calls = {
            f"compiled, {name}": partial(backward, lambda run=run: run(block, *arguments)[0], leaves)
            for name, run in (("all again", fully), ("selective", selectively))
        }
        rounds.compare("training", calls | peer_training(), 0.0)


def backward(forward: Call, leaves: list[Tensor]) -> Tensor:
    """Forward and backward; the first gradient."""
    output = forward()
    return torch.autograd.grad(output, leaves, torch.ones_like(output), allow_unused=True)[0]


def peers() -> ModuleType | None:
    """The frozen peers, or None where they are not importable."""
    if importlib.util.find_spec("peers") is None or not torch.cuda.is_available():
        return None
    return importlib.import_module("peers")


def peer_block(kind: str) -> dict[str, Call]:
    """The peer's compiled block on inputs of its own."""
    if (them := peers()) is None:
        return {}
    blocks = importlib.import_module("peer_block")
    x, conditioning = blocks.make_block_inputs(them.MINUTE, "cuda", torch.bfloat16, seed=3)
    module = them.compiled(blocks.make_block(them.MINUTE, kind == "softmax", "cuda", torch.bfloat16))
    return {f"{PEER}, compiled": lambda: module(x, conditioning)}


def peer_stack() -> dict[str, Call]:
    """The peer's compiled stack of twenty blocks."""
    if (them := peers()) is None:
        return {}
    blocks = importlib.import_module("peer_block")
    x, conditioning = blocks.make_block_inputs(them.MINUTE, "cuda", torch.bfloat16, seed=3)
    run = argparse.Namespace(device=torch.device("cuda"), dtype=torch.bfloat16)
    calls, _ = them.stack_calls(run, them.MINUTE, x, conditioning)
    return {f"{PEER}, {name}": call for name, call in calls.items() if "compile" in name}


def peer_training() -> dict[str, Call]:
    """The peer's compiled GDN block, trained as ours is."""
    if (them := peers()) is None:
        return {}
    blocks = importlib.import_module("peer_block")
    x, conditioning = blocks.make_block_inputs(them.HALF, "cuda", torch.bfloat16, seed=7)
    module = blocks.make_block(them.HALF, False, "cuda", torch.bfloat16)
    leaves = [x.requires_grad_(), *module.parameters()]
    step = them.compiled(module)
    return {
        f"{PEER}, compiled": partial(backward, lambda: checkpoint(step, x, conditioning, use_reentrant=False), leaves)
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="directory for blocks.json")
    parser.add_argument("--repeats", type=int, default=3, help="alternating rounds")
    parser.add_argument(
        "--what", nargs="+", choices=("blocks", "full", "training"), default=["blocks", "full", "training"]
    )
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        sys.stderr.write("error: the benchmark needs a GPU\n")
        return 2
    setting = Setting(paper(), 22, 40, torch.device("cuda"), torch.bfloat16, options.repeats)
    with torch.no_grad():
        rates = product_rates(MINUTE * 880, setting.config.hidden, setting.device, options.repeats)
        record: dict[str, Any] = {"device": torch.cuda.get_device_name(), "torch": torch.__version__}
        record["product_flops"] = rates
        recorder, rate = BenchRecord(options.out / "blocks.json", record), statistics.median(rates)
        rounds = Rounds(recorder, options.repeats)
        sections = {
            "blocks": lambda: block_rows(setting, rounds, rate),
            "full": lambda: full_rows(setting, rounds, rate),
            "training": lambda: training_rows(setting, rounds),
        }
        for section in options.what:
            sections[section]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
