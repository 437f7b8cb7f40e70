"""The backbone's blocks under ``torch.compile``: our kernels are single operators to it, everything else is fused."""

from typing import Any

import torch
from torch import nn

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
    options = inductor_options() if backend == "inductor" else None
    for block in model.blocks:
        block.compile(fullgraph=True, dynamic=False, backend=backend, options=options)


def compiled_block(block: nn.Module) -> nn.Module:
    """One block, compiled as ``compile_blocks`` does it; the block itself stays as it is."""
    return torch.compile(block, fullgraph=True, dynamic=False, options=inductor_options())


def inductor_options() -> dict[str, Any]:
    """How TorchInductor compiles a block.

    Fused operations round where the operations of the plain block do, so that both give the same result up to the
    order of sums; what writes rows that a product then reads in FP8 quantizes them itself.
    """
    from kernels.rows.epilogue import QuantizedEpilogue

    return {"emulate_precision_casts": True, "post_grad_custom_post_pass": QuantizedEpilogue()}
