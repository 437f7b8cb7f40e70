"""What the block-wise refiner looks back at: a sink that stays near, and the last refined frames.

The sink's keys are kept before rotation and rotated anew for every block, so that it always sits right before the
history, however long the clip: the network never meets a distance it was not trained on. The history's keys are kept
rotated, at their own positions.
"""

from collections.abc import Sequence

import torch

from model.refiner.video_attention import LayerContext, Projected, Rotation, rotated
from model.refiner.video_stream import VideoStream


def plain_keys(projected: Projected) -> LayerContext:
    """What a sink keeps."""
    return LayerContext(projected.plain, projected.value)


def rotated_keys(projected: Projected) -> LayerContext:
    """What the history keeps."""
    return LayerContext(projected.rotated, projected.value)


class RefinerWindow:
    """Keys and values of every layer, in buffers that never grow: the sink, then the history as a ring.

    The oldest frame of a full history is written over by the newest. Attention does not mind the order of keys, and
    each bears its own position.

    Args:
        sink: of the sink frames, keys before rotation.
        sink_frames: how many they are.
        limit: frames of history kept.
    """

    def __init__(self, sink: Sequence[LayerContext], sink_frames: int, limit: int) -> None:
        self._sink = sink
        self._limit = limit
        self._tokens = sink[0].key.shape[1] // sink_frames
        self._layers = [_room(layer, limit * self._tokens) for layer in sink]
        self.sink_frames = sink_frames
        self.history_frames = 0
        self.next_frame = sink_frames

    @property
    def sink_position(self) -> int:
        """Latent frame at which the sink starts to sit: ``next_frame - history_frames - sink_frames``."""
        return self.next_frame - self.history_frames - self.sink_frames

    @property
    def bytes(self) -> int:
        """Memory held, the same from the first block on."""
        layers = [*self._sink, *self._layers]
        return sum(one.numel() * one.element_size() for layer in layers for one in (layer.key, layer.value))

    def contexts(self, stream: VideoStream, rotation: Rotation) -> list[LayerContext]:
        """What each layer of a block's passes looks back at; ``rotation`` is that of the sink's position.

        The buffers themselves: they hold until ``remember``.
        """
        sink, filled = self.sink_frames * self._tokens, (self.sink_frames + self.history_frames) * self._tokens
        for attention, plain, held in zip(stream.self_attentions(), self._sink, self._layers, strict=True):
            held.key[:, :sink] = rotated(attention, plain.key, rotation)
        return [LayerContext(held.key[:, :filled], held.value[:, :filled]) for held in self._layers]

    def remember(self, block: Sequence[LayerContext], frames: int) -> None:
        """Take a refined block of ``frames`` into the history; what has left the window is forgotten."""
        written = self.next_frame - self.sink_frames
        self.next_frame += frames
        kept = min(frames, self._limit)
        if not kept:
            return
        slots = [self.sink_frames + (written + index) % self._limit for index in range(frames - kept, frames)]
        for layer, held in zip(block, self._layers, strict=True):
            for target, source in ((held.key, layer.key), (held.value, layer.value)):
                by_frame = target.unflatten(1, (-1, self._tokens))
                by_frame[:, slots] = source.unflatten(1, (-1, self._tokens))[:, -kept:]
        self.history_frames = min(self.history_frames + frames, self._limit)


def _room(sink: LayerContext, tokens: int) -> LayerContext:
    """Buffers for a layer's sink and ``tokens`` more; the sink's values are in place."""
    batch, _, channels = sink.value.shape
    room = sink.value.new_zeros(batch, tokens, channels)
    return LayerContext(torch.cat([sink.key, room], 1), torch.cat([sink.value, room], 1))
