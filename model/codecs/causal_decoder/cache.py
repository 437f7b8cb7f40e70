"""What the causal decoder carries from one chunk to the next: the last two input frames of every convolution."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from model.codecs.causal_decoder.layers import Tail


@dataclass(frozen=True)
class ResidualCache:
    """Tails of the two convolutions of a residual block."""

    first: Tail
    second: Tail

    def tensors(self) -> Iterator[Tensor]:
        """All tails."""
        yield from (self.first, self.second)


@dataclass(frozen=True)
class UpBlockCache:
    """Tails of an upsampling and of the residual blocks after it."""

    upsampler: Tail
    residuals: tuple[ResidualCache, ...]

    def tensors(self) -> Iterator[Tensor]:
        """All tails."""
        yield self.upsampler
        for residual in self.residuals:
            yield from residual.tensors()


@dataclass(frozen=True)
class DecoderCache:
    """Tails of the whole network, in the order in which data meets them."""

    entry: Tail
    middle: tuple[ResidualCache, ...]
    up_blocks: tuple[UpBlockCache, ...]
    exit: Tail

    def tensors(self) -> Iterator[Tensor]:
        """All tails."""
        yield self.entry
        for part in (*self.middle, *self.up_blocks):
            yield from part.tensors()
        yield self.exit

    @property
    def bytes(self) -> int:
        """Memory held; it does not grow with the number of chunks."""
        return sum(tail.numel() * tail.element_size() for tail in self.tensors())
