"""The video half of an LTX-2 block as a module of its own: audio weights are neither read nor moved with it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn

from model.refiner.video_attention import Hidden, LayerContext, Projected, Rotation, cross_attention, self_attention

if TYPE_CHECKING:
    from diffusers.models.transformers.transformer_ltx2 import LTX2VideoTransformerBlock

PerFrame = Float[Tensor, "batch frames channels"]


@dataclass(frozen=True)
class Caption:
    """The projected caption; ``mask`` is True on real tokens, None where all are."""

    states: Float[Tensor, "batch words channels"]
    mask: Bool[Tensor, "batch words"] | None


@dataclass(frozen=True)
class BlockInputs:
    """What all blocks of one pass read beside the hidden states.

    Attributes:
        modulation: of every frame, six vectors: shift, scale, gate of the attention, then of the feed-forward.
        rotation: of the tokens.
        caption: the text.
        anchors: tokens at the beginning that see only each other.
    """

    modulation: Float[Tensor, "batch frames 6 channels"]
    rotation: Rotation
    caption: Caption
    anchors: int


class VideoBlock(nn.Module):
    """Self-attention, cross-attention and feed-forward of the video stream; it shares the library block's parameters.

    Args:
        block: of the library's transformer.
    """

    def __init__(self, block: "LTX2VideoTransformerBlock") -> None:
        super().__init__()
        self.scale_shift_table = block.scale_shift_table
        self.norm1, self.attn1 = block.norm1, block.attn1
        self.norm2, self.attn2 = block.norm2, block.attn2
        self.norm3, self.ff = block.norm3, block.ff

    def forward(self, hidden: Hidden, inputs: BlockInputs, context: LayerContext | None) -> tuple[Hidden, Projected]:
        """New hidden states, and what the self-attention projected."""
        table = self.scale_shift_table.to(inputs.modulation.dtype) + inputs.modulation
        shift, scale, gate, shift_ff, scale_ff, gate_ff = table.unbind(dim=2)
        read = modulated(self.norm1(hidden), shift, scale)
        change, projected = self_attention(self.attn1, read, inputs.rotation, context, inputs.anchors)
        hidden = hidden + _per_token(change, gate)
        hidden = hidden + cross_attention(self.attn2, self.norm2(hidden), inputs.caption.states, inputs.caption.mask)
        return hidden + _per_token(self.ff(modulated(self.norm3(hidden), shift_ff, scale_ff)), gate_ff), projected


def modulated(hidden: Hidden, shift: PerFrame, scale: PerFrame) -> Hidden:
    """``hidden (1 + scale) + shift``, the same for all tokens of a frame."""
    frames = rearrange(hidden, "b (f s) c -> b f s c", f=shift.shape[1])
    return rearrange(frames * (1 + scale[:, :, None]) + shift[:, :, None], "b f s c -> b (f s) c")


def _per_token(hidden: Hidden, gate: PerFrame) -> Hidden:
    frames = rearrange(hidden, "b (f s) c -> b f s c", f=gate.shape[1])
    return rearrange(frames * gate[:, :, None], "b f s c -> b (f s) c")
