"""Context parallelism: the frames of a sequence over ranks, as an explicit argument (C.1, Eq. 12-13)."""

from model.parallel.frame_shard import FrameShard

__all__ = ["FrameShard"]
