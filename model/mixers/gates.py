"""The gates of the gated delta rule, shared by both branches."""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn


def frame_gates(
    tokens: Float[Tensor, "batch frames space channels"],
    beta_proj: nn.Linear,
    gate_proj: nn.Linear,
    a_log: Float[Tensor, " heads"],
    dt_bias: Float[Tensor, " heads"],
) -> tuple[Float[Tensor, "batch heads frames space"], Float[Tensor, "batch heads frames"]]:
    """``beta`` per token and ``gamma`` per frame (Eq. 3), both per head.

    beta = sigmoid(W_beta x);  gamma = exp(-exp(A_log) softplus(W_gate mean_s(x) + dt_bias)), the latter in float32.
    """
    update_gate = rearrange(torch.sigmoid(beta_proj(tokens)), "b t s h -> b h t s")
    rate = nn.functional.softplus(gate_proj(tokens.mean(dim=2)).float() + dt_bias.float())
    decay = torch.exp(-torch.exp(a_log.float()) * rate)
    return update_gate, rearrange(decay, "b t h -> b h t")
