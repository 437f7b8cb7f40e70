"""Which latent frames a rank holds. 121 frames over 2 ranks are 61 and 60: uneven by design, never padded."""

from dataclasses import dataclass

from torch import Tensor
from torch.distributed import ProcessGroup


@dataclass(frozen=True)
class FrameShard:
    """A contiguous part of ``frames`` latent frames; earlier ranks take the remainder.

    Raises:
        ValueError: if there are more ranks than frames, or the rank is not one of them.
    """

    frames: int
    rank: int
    world_size: int
    group: ProcessGroup | None = None

    def __post_init__(self) -> None:
        """Check the invariants."""
        if not 0 <= self.rank < self.world_size:
            raise ValueError(f"rank={self.rank} must lie in 0..{self.world_size - 1}")
        if self.frames < self.world_size:
            raise ValueError(f"world_size={self.world_size} must not exceed frames={self.frames}")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Frames of each rank."""
        share, rest = divmod(self.frames, self.world_size)
        return tuple(share + (rank < rest) for rank in range(self.world_size))

    @property
    def start(self) -> int:
        """First frame here."""
        return sum(self.sizes[: self.rank])

    @property
    def stop(self) -> int:
        """Frame after the last one here."""
        return self.start + self.sizes[self.rank]

    def take(self, whole: Tensor, dim: int) -> Tensor:
        """This rank's frames of a tensor that holds all of them along ``dim``."""
        return whole.narrow(dim, self.start, self.stop - self.start)
