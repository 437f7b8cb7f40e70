"""Where the weights of the blocks are while they run: on their device, or on the CPU and fetched one ahead."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol

import torch
from torch import Tensor
from torch.func import functional_call

from model.refiner.video_attention import Hidden, LayerContext, Projected
from model.refiner.video_block import BlockInputs, VideoBlock

RunBlock = Callable[..., tuple[Hidden, Projected]]


class BlockWeights(Protocol):
    """The blocks of a transformer, in order."""

    def runnable(self) -> Iterator[RunBlock]:
        """Each block as a function whose weights are where the pass runs; use one before asking for the next."""
        ...


class ResidentBlocks:
    """All blocks stay where they are.

    Args:
        blocks: in order.
    """

    def __init__(self, blocks: Sequence[VideoBlock]) -> None:
        self._blocks = list(blocks)

    def runnable(self) -> Iterator[RunBlock]:
        """The blocks themselves."""
        yield from self._blocks


class CompiledBlocks:
    """All blocks stay where they are and run through one compiled function.

    The function takes the block as an argument, so one graph per combination of shapes serves all blocks: a rollout
    has four (sink, first block, growing window, full window), and a full window is met for the rest of the clip.

    Args:
        blocks: in order.
        backend: of ``torch.compile``: a name, or a function of a graph.
    """

    def __init__(self, blocks: Sequence[VideoBlock], backend: str | Callable[..., object] = "inductor") -> None:
        self._blocks = list(blocks)
        self._call = torch.compile(_call, backend=backend, fullgraph=True, dynamic=False)

    def runnable(self) -> Iterator[RunBlock]:
        """Each block as the compiled function."""
        for block in self._blocks:
            yield partial(self._call, block)


class OffloadedBlocks:
    """Weights stay on the CPU (in page-locked memory if they go to a GPU); at most two blocks are on the device.

    The next block is copied on a stream of its own while the current one computes, so where a pass takes longer than
    the copy (0.6 GB a block of the released size), offloading costs no time.

    Args:
        blocks: in order; their weights on the CPU.
        device: where passes run.
    """

    def __init__(self, blocks: Sequence[VideoBlock], device: torch.device) -> None:
        self._blocks = list(blocks)
        self._device = device
        self._copies = torch.cuda.Stream(device) if device.type == "cuda" else None
        for block in self._blocks:
            block.requires_grad_(False)
            if self._copies is not None:
                for parameter in block.parameters():
                    parameter.data = parameter.data.pin_memory()

    def runnable(self) -> Iterator[RunBlock]:
        """Each block with its weights on the device."""
        upcoming = self._fetched(self._blocks[0]) if self._blocks else {}
        for index, block in enumerate(self._blocks):
            current = upcoming
            self._wait(current)
            upcoming = self._fetched(self._blocks[index + 1]) if index + 1 < len(self._blocks) else {}
            yield partial(_run, block, current)

    def _fetched(self, block: VideoBlock) -> dict[str, Tensor]:
        with torch.cuda.stream(self._copies):
            return {name: one.to(self._device, non_blocking=True) for name, one in block.named_parameters()}

    def _wait(self, weights: dict[str, Tensor]) -> None:
        if self._copies is None:
            return
        computing = torch.cuda.current_stream(self._device)
        computing.wait_stream(self._copies)
        for tensor in weights.values():
            # Made on the copying stream: its memory must not be used again before the computing one is done with it.
            tensor.record_stream(computing)


def _call(
    block: VideoBlock, hidden: Hidden, inputs: BlockInputs, context: LayerContext | None
) -> tuple[Hidden, Projected]:
    return block(hidden, inputs, context)


def _run(block: VideoBlock, weights: dict[str, Tensor], *inputs: object) -> tuple[Hidden, Projected]:
    return functional_call(block, weights, inputs)
