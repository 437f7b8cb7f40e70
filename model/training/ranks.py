"""The processes that train together: data-parallel groups of context-parallel ranks, as an explicit argument.

Consecutive ranks form a context-parallel group and hold the frames of the same clips. Each rank computes its own
frames' share of the loss, so that *summing* gradients over the whole world gives the gradient of the global mean.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from model.parallel import FrameShard


@dataclass(frozen=True)
class Ranks:
    """This process's place in the world.

    Attributes:
        rank: global rank.
        world_size: number of processes.
        context_size: ranks that share a clip along time.
        context_group: their process group; None when ``context_size`` is 1.
    """

    rank: int = 0
    world_size: int = 1
    context_size: int = 1
    context_group: dist.ProcessGroup | None = None

    @classmethod
    def of_world(cls, context_size: int) -> "Ranks":
        """The place of this process in the ``torch.distributed`` world; every rank must call it.

        A process that has joined none is a world of its own.

        Raises:
            ValueError: the world does not divide into groups of ``context_size``.
        """
        joined = dist.is_initialized()
        world_size, rank = (dist.get_world_size(), dist.get_rank()) if joined else (1, 0)
        if world_size % context_size:
            raise ValueError(f"world size {world_size} is no multiple of context_size {context_size}")
        if context_size == 1:
            return cls(rank, world_size)
        groups = [dist.new_group(range(first, first + context_size)) for first in range(0, world_size, context_size)]
        return cls(rank, world_size, context_size, groups[rank // context_size])

    @property
    def data_rank(self) -> int:
        """Which clips this process sees."""
        return self.rank // self.context_size

    @property
    def data_size(self) -> int:
        """Groups that see different clips."""
        return self.world_size // self.context_size

    def shard(self, frames: int) -> FrameShard | None:
        """This process's part of ``frames`` latent frames; None without context parallelism."""
        if self.context_size == 1:
            return None
        return FrameShard(frames, self.rank % self.context_size, self.context_size, self.context_group)

    def agree(self, tensor: Tensor) -> Tensor:
        """The tensor of the context group's first rank, on every rank of the group."""
        if self.context_size > 1:
            dist.broadcast(tensor, src=self.data_rank * self.context_size, group=self.context_group)
        return tensor

    def sum(self, tensor: Tensor) -> Tensor:
        """Sum over the world (detached)."""
        total = tensor.detach().clone()
        if self.world_size > 1:
            dist.all_reduce(total)
        return total

    def sum_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replace every gradient by its sum over the world, in one message; a missing one counts as zero."""
        if self.world_size == 1:
            return
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        for parameter, part in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
            parameter.grad = part.view_as(parameter)
