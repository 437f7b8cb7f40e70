"""Activation checkpointing of the backbone's blocks: what a backward pass finds, and what it computes again.

Fully: a block keeps its input alone. Selectively: a softmax block also keeps what its attentions gave, which cost most
to compute again (105 ms a branch at 53,680 tokens of 106,480) and little to keep (240 MB). A scanning block keeps
nothing more: its scans take 2 ms, and keeping them was measured to save none of a block's 125 ms.
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from torch import Tensor, nn
from torch.utils.checkpoint import CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts

from data_contracts.recipe import Recomputation
from model.backbone import SanaWM, run_block
from model.causal.state import BlockState

KEPT = frozenset(
    {
        "aten::_scaled_dot_product_cudnn_attention",
        "aten::_scaled_dot_product_efficient_attention",
        "aten::_scaled_dot_product_flash_attention",
        "aten::_scaled_dot_product_flash_attention_for_cpu",
    }
)
"""Operators whose results are kept under the selective policy."""


class _Operator(Protocol):
    def name(self) -> str: ...


def recompute_blocks(model: SanaWM, recomputation: Recomputation) -> None:
    """Have training passes of a backbone keep less; gradients stay the same to the bit where kernels are deterministic.

    Args:
        model: changed in place; passes without gradients are as before.
        recomputation: what is computed again.
    """
    runners: dict[Recomputation, Callable[..., tuple[Tensor, BlockState]]] = {
        Recomputation.NONE: run_block,
        Recomputation.FULL: fully,
        Recomputation.SELECTIVE: selectively,
    }
    model.run_block = runners[recomputation]


def fully(block: nn.Module, *arguments: object) -> tuple[Tensor, BlockState]:
    """A block that keeps its input alone."""
    # No block draws random numbers, so no generator's state has to be kept.
    return checkpoint(block, *arguments, use_reentrant=False, preserve_rng_state=False)


def selectively(block: nn.Module, *arguments: object) -> tuple[Tensor, BlockState]:
    """A block that also keeps what ``KEPT`` operators gave."""
    contexts = partial(create_selective_checkpoint_contexts, _policy)
    return checkpoint(block, *arguments, use_reentrant=False, preserve_rng_state=False, context_fn=contexts)


def _policy(_context: object, operator: _Operator, *_: object, **__: object) -> CheckpointPolicy:
    return CheckpointPolicy.MUST_SAVE if operator.name() in KEPT else CheckpointPolicy.PREFER_RECOMPUTE
