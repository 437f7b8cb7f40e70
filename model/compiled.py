"""The backbone's blocks under ``torch.compile``: our kernels are single operators to it, everything else is fused."""

import torch

from model.backbone import SanaWM

MOST_GRAPHS = 64
"""Graphs of one block function: two kinds of block, and for each a graph per combination of shapes a rollout meets."""


def compile_blocks(model: SanaWM, backend: str = "inductor") -> None:
    """Compile every block in place, without a graph break; blocks of a kind share their graphs.

    The first pass of each combination of shapes takes some ten seconds, less where PyTorch's cache on disk has it.

    Args:
        model: in evaluation mode, where it will run.
        backend: of ``torch.compile``.
    """
    # PyTorch gives up on a function after eight graphs; a server that makes clips of many lengths needs more.
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, MOST_GRAPHS)
    for block in model.blocks:
        block.compile(fullgraph=True, dynamic=False, backend=backend)
