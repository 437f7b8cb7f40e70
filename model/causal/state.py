"""What a rollout carries from one chunk of latent frames to the next: constant in size under a cache window."""

from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from kernels.frame_gdn import FrameGDNState


@dataclass(frozen=True)
class CacheWindow:
    """Which chunks a softmax block keeps: the last ``chunks`` (None = all), with a ``sink`` the first always is one."""

    chunks: int | None = 2
    sink: bool = True

    def keep(self, cached: tuple["SoftmaxChunk", ...]) -> tuple["SoftmaxChunk", ...]:
        """Drop what has left the window; ``cached`` is in time order and starts with the sink if there is one."""
        if self.chunks is None:
            return cached
        if not self.sink:
            return cached[max(len(cached) - self.chunks, 0) :]
        recent = cached[1:]
        return cached[:1] + recent[max(len(recent) - (self.chunks - 1), 0) :]


@dataclass(frozen=True)
class SoftmaxChunk:
    """Keys and values of one chunk: keys rotated to their absolute positions, camera ones in world coordinates."""

    key: Float[Tensor, "batch heads tokens head_dim"]
    value: Float[Tensor, "batch heads tokens head_dim"]
    camera_key: Float[Tensor, "batch heads tokens head_dim"] | None
    camera_value: Float[Tensor, "batch heads tokens head_dim"] | None


@dataclass(frozen=True)
class SoftmaxState:
    """Cached chunks of a softmax block, in time order."""

    cached: tuple[SoftmaxChunk, ...]


@dataclass(frozen=True)
class GDNState:
    """State of a GDN (or linear attention) block: the scans' states and the tails of the key convolutions."""

    main: FrameGDNState
    camera: Float[Tensor, "batch heads value key"] | None
    conv_tail: Float[Tensor, "batch taps space channels"] | None
    camera_conv_tail: Float[Tensor, "batch taps space channels"] | None


MixerState = GDNState | SoftmaxState


@dataclass(frozen=True)
class BlockState:
    """State of one block: its mixer's, and the last frame before the temporal convolution of the feed-forward."""

    mixer: MixerState
    feed_forward_tail: Float[Tensor, "batch one space channels"]


@dataclass(frozen=True)
class RolloutState:
    """What ``SanaWM.advance`` is given and gives back. ``RolloutState()`` starts a rollout.

    Attributes:
        frames: latent frames absorbed so far; the absolute position of the next one.
        window: what softmax blocks keep.
        blocks: one state a block; empty before the first chunk.
    """

    frames: int = 0
    window: CacheWindow = CacheWindow()
    blocks: tuple[BlockState, ...] = ()

    def block(self, index: int) -> BlockState | None:
        """State of block ``index``, None before the first chunk."""
        return self.blocks[index] if self.blocks else None

    def advanced(self, frames: int, blocks: tuple[BlockState, ...]) -> "RolloutState":
        """The state after ``frames`` more frames."""
        return replace(self, frames=self.frames + frames, blocks=blocks)
