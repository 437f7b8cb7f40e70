"""Sums over the ranks of a shard: gradients, and figures for reports."""

from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn

from model.parallel.frame_shard import FrameShard


def sum_gradients(parameters: Iterable[nn.Parameter], shard: FrameShard | None) -> None:
    """Add the gradients of all ranks, in one message; a parameter unused everywhere keeps no gradient."""
    if shard is None:
        return
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    used = torch.tensor([float(parameter.grad is not None) for parameter in trained])
    dist.all_reduce(used, group=shard.group)
    chosen = [parameter for parameter, count in zip(trained, used.tolist(), strict=True) if count > 0]
    if not chosen:
        return
    for parameter in chosen:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    gradients = [parameter.grad for parameter in chosen if parameter.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    dist.all_reduce(flat, group=shard.group)
    for gradient, total in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(total.view_as(gradient))


def summed(value: Tensor, shard: FrameShard | None) -> Tensor:
    """The sum of a detached figure over the ranks, on every rank."""
    total = value.detach().clone()
    if shard is not None:
        dist.all_reduce(total, group=shard.group)
    return total
