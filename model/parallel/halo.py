"""Frames around a shard, for temporal convolutions (C.1, "Halo Exchange for Convolutions")."""

import torch
from jaxtyping import Float
from torch import Tensor

from model.parallel.frame_shard import FrameShard
from model.parallel.gather import gather


def with_neighbours(
    frames: Float[Tensor, "batch frames space channels"],
    before: int,
    after: int,
    tail: Float[Tensor, "batch before space channels"] | None,
    shard: FrameShard | None,
) -> Float[Tensor, "batch extended space channels"]:
    """The frames with ``before`` frames of context on the left and ``after`` on the right, zeros where none exist.

    Args:
        frames: the frames here.
        before: frames wanted on the left.
        after: frames wanted on the right.
        tail: left context carried by a rollout.
        shard: the neighbours' ranks; None = the whole sequence is here.

    Raises:
        ValueError: if both a rollout tail and a shard are given.
    """
    if tail is not None and shard is not None:
        raise ValueError("a rollout is not sharded over frames: give a tail or a shard, not both")
    if shard is not None:
        return _exchange(frames, before, after, shard)
    left = frames.new_zeros(frames.shape[0], before, *frames.shape[2:]) if tail is None else tail.to(frames.dtype)
    right = frames.new_zeros(frames.shape[0], after, *frames.shape[2:])
    return torch.cat((left, frames, right), 1)


def _exchange(frames: Tensor, before: int, after: int, shard: FrameShard) -> Tensor:
    """Gather every rank's edges; short shards pass on what lies behind them, so any rank count works."""
    tails = tuple(min(before, size) for size in shard.sizes)
    heads = tuple(min(after, size) for size in shard.sizes)
    local = frames.shape[1]
    own_tail = frames[:, local - tails[shard.rank] :]
    own_head = frames[:, : heads[shard.rank]]
    left = gather(own_tail, 1, tails, shard)[:, : sum(tails[: shard.rank])]
    right = gather(own_head, 1, heads, shard)[:, sum(heads[: shard.rank + 1]) :]
    missing_left, missing_right = before - left.shape[1], after - right.shape[1]
    left = torch.nn.functional.pad(left, (0, 0, 0, 0, max(missing_left, 0), 0))[:, max(-missing_left, 0) :]
    right = torch.nn.functional.pad(right, (0, 0, 0, 0, 0, max(missing_right, 0)))[:, :after]
    return torch.cat((left, frames, right), 1)
