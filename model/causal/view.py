"""What one forward call sees of the sequence: its chunks, its place in them, its neighbours on other ranks."""

from dataclasses import dataclass

from model.causal.layout import ChunkLayout
from model.parallel.frame_shard import FrameShard


@dataclass(frozen=True)
class FrameView:
    """The frames of one call.

    Attributes:
        layout: chunks of the whole sequence (of the current chunk alone in a rollout).
        height: of the latent grid.
        width: of the latent grid.
        first_position: absolute position of the layout's frame 0 (frames already rolled out).
        shard: which part of the layout's frames is here; None = all.
        rolls_out: whether this call is a step of a rollout (v1 scales its softmax differently there).
    """

    layout: ChunkLayout
    height: int
    width: int
    first_position: int = 0
    shard: FrameShard | None = None
    rolls_out: bool = False

    @property
    def start(self) -> int:
        """First frame here, as an index of the layout."""
        return self.shard.start if self.shard else 0

    @property
    def stop(self) -> int:
        """Frame after the last one here, as an index of the layout."""
        return self.shard.stop if self.shard else self.layout.frames

    @property
    def frames(self) -> int:
        """Number of frames here."""
        return self.stop - self.start

    @property
    def space(self) -> int:
        """Tokens per frame."""
        return self.height * self.width

    @property
    def positions(self) -> tuple[int, int]:
        """Absolute positions of the frames here: first, and one after the last."""
        return self.first_position + self.start, self.first_position + self.stop

    @property
    def resets(self) -> tuple[bool, ...]:
        """Per frame here, whether the reversed scan is reset at it."""
        starts = self.layout.interior_starts
        return tuple(frame in starts for frame in range(self.start, self.stop))

    def chunk_ids(self, beyond: int) -> tuple[int, ...]:
        """Chunk of each frame here and of ``beyond`` more; -1 after the end of the sequence."""
        ids = self.layout.chunk_ids + (-1,) * beyond
        return ids[self.start : self.stop + beyond]

    @property
    def chunk_spans(self) -> tuple[tuple[int, int, int], ...]:
        """Per chunk with frames here: first and last (exclusive) local frame, and where its sight ends (global)."""
        clipped = (
            (max(first, self.start) - self.start, min(last, self.stop) - self.start, last)
            for first, last in self.layout.chunks
        )
        return tuple((first, last, end) for first, last, end in clipped if first < last)
