"""What the block-wise refiner looks back at: a sink that stays near, and the last refined frames.

The sink's keys are kept before rotation and rotated anew for every block, so that it always sits right before the
history, however long the clip: the network never meets a distance it was not trained on. The history's keys are kept
rotated, at their own positions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from model.refiner.video_attention import LayerContext, Projected, Rotation, rotated
from model.refiner.video_stream import VideoStream


def plain_keys(projected: Projected) -> LayerContext:
    """What a sink keeps."""
    return LayerContext(projected.plain, projected.value)


def rotated_keys(projected: Projected) -> LayerContext:
    """What the history keeps."""
    return LayerContext(projected.rotated, projected.value)


@dataclass(frozen=True)
class RefinerWindow:
    """Keys and values of every layer.

    Attributes:
        sink: of the sink frames, keys before rotation.
        sink_frames: how many they are.
        history: of the last refined frames, keys rotated; None before the first block.
        history_frames: how many they are.
        next_frame: latent frame of the clip that the next block starts with.
    """

    sink: Sequence[LayerContext]
    sink_frames: int
    history: Sequence[LayerContext] | None
    history_frames: int
    next_frame: int

    @classmethod
    def of_sink(cls, sink: Sequence[LayerContext], frames: int) -> "RefinerWindow":
        """The window of the first block."""
        return cls(sink, frames, None, 0, frames)

    @property
    def sink_position(self) -> int:
        """Latent frame at which the sink starts to sit: ``next_frame - history_frames - sink_frames``."""
        return self.next_frame - self.history_frames - self.sink_frames

    @property
    def bytes(self) -> int:
        """Memory held; constant once the history is full."""
        layers = [*self.sink, *(self.history or ())]
        return sum(one.numel() * one.element_size() for layer in layers for one in (layer.key, layer.value))

    def contexts(self, stream: VideoStream, rotation: Rotation) -> list[LayerContext]:
        """What each layer of a block's passes looks back at; ``rotation`` is that of the sink's position."""
        found: list[LayerContext] = []
        for layer, attention in enumerate(stream.self_attentions()):
            sink = self.sink[layer]
            context = LayerContext(rotated(attention, sink.key, rotation), sink.value)
            found.append(context if self.history is None else context.joined(self.history[layer]))
        return found

    def extended(self, block: Sequence[LayerContext], frames: int, limit: int) -> "RefinerWindow":
        """The window after a refined block of ``frames``; at most ``limit`` frames of history are kept."""
        if limit == 0:
            return RefinerWindow(self.sink, self.sink_frames, None, 0, self.next_frame + frames)
        tokens = block[0].key.shape[1] // frames
        joined = (
            block if self.history is None else [old.joined(new) for old, new in zip(self.history, block, strict=True)]
        )
        kept = min(self.history_frames + frames, limit)
        # Copies: a view would keep the older keys alive.
        history = [
            LayerContext(layer.key[:, -kept * tokens :].clone(), layer.value[:, -kept * tokens :].clone())
            for layer in joined
        ]
        return RefinerWindow(self.sink, self.sink_frames, history, kept, self.next_frame + frames)
