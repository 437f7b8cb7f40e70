"""Feature preparation as a ``torch.library`` operator."""

import torch
from torch import Tensor

from kernels.gate import Passed
from kernels.key_prep import autograd, launch, reference


@torch.library.custom_op("sana_wm::prepare_features", mutates_args=())
def prepare_features(raw: Tensor, weight: Tensor, heads: int, eps: float, scale: float, gated: bool) -> Tensor:
    """See ``kernels.key_prep.api.prepare_features``."""
    if gated and not Passed.on(raw.device, raw.shape[-1] // heads):
        return reference.prepare_features(raw, weight, heads, eps, scale).contiguous()
    return launch.prepare_features(raw, weight, heads, eps, scale)


@prepare_features.register_fake
def _(raw: Tensor, weight: Tensor, heads: int, eps: float, scale: float, gated: bool) -> Tensor:  # noqa: ARG001 - the schema
    batch, frames, space, width = raw.shape
    return raw.new_empty(batch, heads, frames, space, width // heads)


autograd.register(prepare_features)
