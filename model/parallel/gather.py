"""The one collective everything else is built on: gather uneven parts along a dimension, with gradients.

Convention of gradients: each rank back-propagates its own part of the loss, and the loss is the sum of the parts.
The backward of a gather therefore sums what all ranks want of a part; parameter gradients are summed over ranks too
(``model.parallel.reduce``).
"""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from model.parallel.frame_shard import FrameShard


def gather(part: Tensor, dim: int, sizes: tuple[int, ...], shard: FrameShard) -> Tensor:
    """Concatenate the parts of all ranks along ``dim``.

    Args:
        part: this rank's tensor, ``sizes[shard.rank]`` long along ``dim``.
        dim: the uneven dimension.
        sizes: length of each rank's part; 0 is allowed.
        shard: ranks and group.
    """
    if torch.is_grad_enabled() and not part.requires_grad:
        # A part may be constant on one rank only (a shard that starts at a reset). All ranks must meet in backward.
        part = part.detach().requires_grad_()
    return _Gather.apply(part, dim, sizes, shard)


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, part: Tensor, dim: int, sizes: tuple[int, ...], shard: FrameShard) -> Tensor:  # noqa: ANN401
        ctx.dim, ctx.sizes, ctx.shard = dim, sizes, shard
        longest = max(sizes)
        padded_shape = list(part.shape)
        padded_shape[dim] = longest
        padded = part.new_zeros(padded_shape)
        padded.narrow(dim, 0, part.shape[dim]).copy_(part)
        parts = [torch.empty_like(padded) for _ in sizes]
        dist.all_gather(parts, padded, group=shard.group)
        return torch.cat([one.narrow(dim, 0, size) for one, size in zip(parts, sizes, strict=True)], dim)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, None, None, None]:  # noqa: ANN401
        total = grads[0].contiguous().clone()
        dist.all_reduce(total, group=ctx.shard.group)
        before = sum(ctx.sizes[: ctx.shard.rank])
        return total.narrow(ctx.dim, before, ctx.sizes[ctx.shard.rank]).contiguous(), None, None, None
