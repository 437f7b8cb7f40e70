"""How a refinement is run: noise levels, sink, and the sizes of the block-wise mode."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from model.refiner.sampler import REFINER_SIGMAS


def never_stop() -> None:
    """The check of a caller who never changes his mind."""


@dataclass(frozen=True)
class RefinerPlan:
    """Settings of a refinement.

    Attributes:
        frame_rate: of the raw video.
        sigmas: noise levels, falling to 0.
        sink_frames: latent frames at the beginning that are kept verbatim, at noise level 0.
        before_pass: called before every pass of the network; may raise to stop there.

    Raises:
        ValueError: ``sigmas`` does not fall to 0, or there is no sink.
    """

    frame_rate: float
    sigmas: Sequence[float] = REFINER_SIGMAS
    sink_frames: int = 1
    before_pass: Callable[[], None] = never_stop

    def __post_init__(self) -> None:
        if list(self.sigmas) != sorted(self.sigmas, reverse=True) or len(self.sigmas) < 2 or self.sigmas[-1] != 0:
            raise ValueError(f"refiner sigmas must fall to 0, got {list(self.sigmas)}")
        if self.sink_frames < 1:
            raise ValueError(f"sink_frames is {self.sink_frames}; at least 1 is needed")


@dataclass(frozen=True)
class BlockSizes:
    """Sizes of the block-wise mode, in latent frames.

    Attributes:
        block: refined together.
        window: kept to look back at, the sink included (11 as released: 1 and 10).

    Raises:
        ValueError: a size is below 1.
    """

    block: int = 3
    window: int = 11

    def __post_init__(self) -> None:
        if self.block < 1 or self.window < 1:
            raise ValueError(f"block is {self.block} and window {self.window}; both must be at least 1")
