"""Softmax attention over a sharded sequence: local queries, keys and values of all ranks."""

from jaxtyping import Float
from torch import Tensor

from model.parallel.frame_shard import FrameShard
from model.parallel.gather import gather


def gather_tokens(
    local: Float[Tensor, "batch heads local_tokens head_dim"], space: int, shard: FrameShard | None
) -> Float[Tensor, "batch heads tokens head_dim"]:
    """Keys or values of the whole sequence, in time order."""
    if shard is None:
        return local
    return gather(local, 2, tuple(size * space for size in shard.sizes), shard)
