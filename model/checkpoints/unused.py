"""Keys that released files carry and no forward pass reads: why, and what to write where a layout demands them.

Initial values are those of the released code (``model_spec.md`` 3.1); buffers are written as zeros.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from model.config import BackboneConfig

POSITION_TOKENS = 484  # of the learned table that rotary positions replaced
RAYMAP_CHANNELS = 3
Shape = Callable[[BackboneConfig], tuple[int, ...]]


@dataclass(frozen=True)
class UnusedTensor:
    """One such key.

    Attributes:
        name: with ``{index}`` for the block.
        shape: of a network's sizes.
        fill: initial value.
        reason: why it is not read.
        softmax_only: whether it is unused in softmax blocks alone.
    """

    name: str
    shape: Shape
    fill: float
    reason: str
    softmax_only: bool = False

    @property
    def pattern(self) -> str:
        """Regular expression of its names; the block index is the one group."""
        return re.escape(self.name).replace(re.escape("{index}"), r"(\d+)")

    def matches(self, key: str, softmax_blocks: tuple[int, ...]) -> bool:
        """Whether ``key`` is one of its names."""
        found = re.fullmatch(self.pattern, key)
        return found is not None and (not self.softmax_only or int(found.group(1)) in softmax_blocks)

    def names(self, config: BackboneConfig) -> Iterator[str]:
        """Its names in a network."""
        if "{index}" not in self.name:
            yield self.name
            return
        blocks = config.softmax_blocks if self.softmax_only else range(config.depth)
        yield from (self.name.format(index=index) for index in blocks)


_GATE = "softmax blocks have no recurrence to gate"
_ROTARY = "positions are rotary"
_RAYMAP = "the packed raymap is mixed in after attention instead"

BUFFERS = (
    UnusedTensor("pos_embed", lambda config: (1, POSITION_TOKENS, config.hidden), 0.0, _ROTARY),
    UnusedTensor(
        "y_embedder.y_embedding",
        lambda config: (config.text_tokens, config.caption_channels),
        0.0,
        "the null caption is the encoded empty text",
    ),
)
PARAMETERS = (
    UnusedTensor("raymap_embedder.proj.weight", lambda config: (config.hidden, RAYMAP_CHANNELS, 1, 1, 1), 0.0, _RAYMAP),
    UnusedTensor("raymap_embedder.proj.bias", lambda config: (config.hidden,), 0.0, _RAYMAP),
    UnusedTensor("blocks.{index}.attn.recall_gate", lambda _: (1,), 0.0, "a buffer of an abandoned variant"),
    UnusedTensor("blocks.{index}.attn.beta_proj.weight", lambda c: (c.heads, c.hidden), 0.0, _GATE, softmax_only=True),
    UnusedTensor("blocks.{index}.attn.beta_proj.bias", lambda c: (c.heads,), 5.0, _GATE, softmax_only=True),
    UnusedTensor("blocks.{index}.attn.gate_proj.weight", lambda c: (c.heads, c.hidden), 0.0, _GATE, softmax_only=True),
    UnusedTensor("blocks.{index}.attn.gate_proj.bias", lambda c: (c.heads,), 0.0, _GATE, softmax_only=True),
    UnusedTensor("blocks.{index}.attn.A_log", lambda c: (c.heads,), 0.0, _GATE, softmax_only=True),
    UnusedTensor("blocks.{index}.attn.dt_bias", lambda c: (c.heads,), -5.0, _GATE, softmax_only=True),
)
