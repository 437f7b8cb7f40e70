"""How latent frames are cut into chunks: the one argument that makes the network bidirectional or chunk-causal."""

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class ChunkLayout:
    """Chunk starts over ``frames`` latent frames. A frame sees its own chunk and all earlier ones.

    Raises:
        ValueError: if the starts are not increasing from 0 within the frames.
    """

    frames: int
    starts: tuple[int, ...]

    def __post_init__(self) -> None:
        """Check the invariants."""
        if self.frames < 1:
            raise ValueError(f"frames={self.frames} must be at least 1")
        increasing = all(first < second for first, second in pairwise((*self.starts, self.frames)))
        if not self.starts or self.starts[0] != 0 or not increasing:
            raise ValueError(f"starts={self.starts} must increase from 0 and stay below frames={self.frames}")

    @classmethod
    def single(cls, frames: int) -> "ChunkLayout":
        """One chunk: bidirectional."""
        return cls(frames, (0,))

    @classmethod
    def first_plus_one(cls, frames: int, size: int) -> "ChunkLayout":
        """Chunks of ``size``, the first one longer by one; a short remainder joins the last chunk."""
        chunks = max((frames - 1) // size, 1)
        return cls(frames, (0, *(1 + size * index for index in range(1, chunks))))

    @classmethod
    def streaming(cls, frames: int, size: int) -> "ChunkLayout":
        """Chunks of ``size``; the first one takes the remainder as well."""
        first = min(size + frames % size, frames)
        return cls(frames, (0, *range(first, frames, size)))

    @property
    def chunks(self) -> tuple[tuple[int, int], ...]:
        """Start and stop of each chunk."""
        return tuple(pairwise((*self.starts, self.frames)))

    @property
    def chunk_ids(self) -> tuple[int, ...]:
        """Chunk index of each frame."""
        return tuple(index for index, (start, stop) in enumerate(self.chunks) for _ in range(start, stop))

    @property
    def interior_starts(self) -> frozenset[int]:
        """Starts of every chunk but the first: where a reversed scan is reset."""
        return frozenset(self.starts[1:])
