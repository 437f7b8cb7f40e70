"""The two attentions of an LTX-2 block on the video stream, with a context to look back at and anchors.

Projections are the library's modules; what is ours is which keys a query sees.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from diffusers.models.transformers.transformer_ltx2 import LTX2Attention

Hidden = Float[Tensor, "batch tokens channels"]
Rotation = tuple[Tensor, Tensor]
"""Cosines and sines of rotary embedding, in the layout of the transformer's ``rope_type``."""


@dataclass(frozen=True)
class LayerContext:
    """Keys and values of tokens that are not among the queries.

    Attributes:
        key: rotated or not, as the holder says.
        value: never rotated.
    """

    key: Float[Tensor, "batch context channels"]
    value: Float[Tensor, "batch context channels"]

    def joined(self, later: "LayerContext") -> "LayerContext":
        """This context, then ``later``."""
        return LayerContext(torch.cat([self.key, later.key], 1), torch.cat([self.value, later.value], 1))


@dataclass(frozen=True)
class Projected:
    """What one self-attention made of its tokens: keys before and after rotation, and values."""

    plain: Hidden
    rotated: Hidden
    value: Hidden


def rotated(attention: "LTX2Attention", features: Hidden, rotation: Rotation) -> Hidden:
    """Rotary embedding of queries or keys."""
    from diffusers.models.transformers import transformer_ltx2

    if attention.rope_type == "interleaved":
        return transformer_ltx2.apply_interleaved_rotary_emb(features, rotation)
    return transformer_ltx2.apply_split_rotary_emb(features, rotation)


def self_attention(
    attention: "LTX2Attention", hidden: Hidden, rotation: Rotation, context: LayerContext | None, anchors: int
) -> tuple[Hidden, Projected]:
    """Every query sees the context and all tokens; the first ``anchors`` queries see only each other.

    This is the mask of ``model.refiner.attention_mask`` as two unmasked calls: a mask of a minute's tokens would take
    45 GB. With a context there are no anchors among the tokens.
    """
    query = rotated(attention, attention.norm_q(attention.to_q(hidden)), rotation)
    plain = attention.norm_k(attention.to_k(hidden))
    own = Projected(plain, rotated(attention, plain, rotation), attention.to_v(hidden))
    seen = LayerContext(own.rotated, own.value)
    if context is not None:
        seen = context.joined(seen)
    attended = _attend(attention.heads, query[:, anchors:], seen.key, seen.value, None)
    if anchors:
        still = _attend(attention.heads, query[:, :anchors], own.rotated[:, :anchors], own.value[:, :anchors], None)
        attended = torch.cat([still, attended], dim=1)
    return _output(attention, hidden, attended), own


def cross_attention(
    attention: "LTX2Attention", hidden: Hidden, text: Hidden, mask: Bool[Tensor, "batch tokens"] | None
) -> Hidden:
    """Queries of the video on the caption; ``mask`` is True on real tokens, None where all are."""
    query = attention.norm_q(attention.to_q(hidden))
    key, value = attention.norm_k(attention.to_k(text)), attention.to_v(text)
    return _output(attention, hidden, _attend(attention.heads, query, key, value, mask))


def _attend(heads: int, query: Hidden, key: Hidden, value: Hidden, mask: Bool[Tensor, "batch tokens"] | None) -> Hidden:
    split = [rearrange(one, "b n (h d) -> b h n d", h=heads) for one in (query, key, value)]
    allowed = None if mask is None else mask[:, None, None, :]
    return rearrange(functional.scaled_dot_product_attention(*split, attn_mask=allowed), "b h n d -> b n (h d)")


def _output(attention: "LTX2Attention", hidden: Hidden, attended: Hidden) -> Hidden:
    """The output projection, after a gate per head where the checkpoint has one (``2 sigmoid(logits)``)."""
    if attention.to_gate_logits is not None:
        gate = 2 * torch.sigmoid(attention.to_gate_logits(hidden))
        attended = rearrange(attended, "b n (h d) -> b n h d", h=attention.heads) * gate[..., None]
        attended = rearrange(attended, "b n h d -> b n (h d)")
    return attention.to_out[0](attended)
