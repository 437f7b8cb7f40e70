"""Attention from video tokens to caption tokens."""

from einops import rearrange
from jaxtyping import Float, Num
from torch import Tensor, nn

from model.config import BackboneConfig
from model.layers.norms import RMSNorm

HIDDEN_TOKEN_BIAS = -10000.0  # the released code's value: finite, so that a caption without tokens stays finite


class CrossAttention(nn.Module):
    """Softmax attention with full-width norms on query and key, and no rotation."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.q_linear = nn.Linear(config.hidden, config.hidden)
        self.kv_linear = nn.Linear(config.hidden, 2 * config.hidden)
        self.q_norm = RMSNorm(config.hidden, config.cross_norm_eps)
        self.k_norm = RMSNorm(config.hidden, config.cross_norm_eps)
        self.proj = nn.Linear(config.hidden, config.hidden)

    def forward(
        self,
        tokens: Float[Tensor, "batch frames space channels"],
        caption: Float[Tensor, "batch tokens channels"],
        mask: Num[Tensor, "batch tokens"],
    ) -> Float[Tensor, "batch frames space channels"]:
        """Attend to the caption tokens where ``mask`` is not 0."""
        query = self.q_norm(self.q_linear(tokens))
        key, value = self.kv_linear(caption).chunk(2, dim=-1)
        split = "b l (h d) -> b h l d"
        query = rearrange(query, "b t s (h d) -> b h (t s) d", h=self.heads)
        key = rearrange(self.k_norm(key), split, h=self.heads)
        value = rearrange(value, split, h=self.heads)
        bias = (mask == 0).to(query.dtype)[:, None, None] * HIDDEN_TOKEN_BIAS
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return self.proj(rearrange(mixed, "b h (t s) d -> b t s (h d)", t=tokens.shape[1]))
