"""How a fresh backbone starts: from an explicit generator, with every new branch silent."""

import torch
from torch import Tensor, nn

from model.backbone import SanaWM
from model.config import BackboneConfig, Numerics
from model.layers.short_conv import ShortConv
from model.mixers.frame_gdn import FrameGDNMixer
from model.mixers.time_mixer import MixerBase

CAPTION_NORM_WEIGHT = 0.01  # the released y_norm scale
UPDATE_GATE_BIAS = 5.0  # sigmoid(5) = 0.993: keys write almost fully
DECAY_BIAS = -5.0  # softplus(-5) = 0.0067: almost nothing is forgotten
EMBEDDER_STD = 0.02


def build_backbone(config: BackboneConfig, numerics: Numerics, generator: torch.Generator) -> SanaWM:
    """A backbone with fresh weights, the same bytes for the same generator state."""
    model = SanaWM(config, numerics)
    initialize(model, generator)
    return model


@torch.no_grad()
def initialize(model: SanaWM, generator: torch.Generator) -> None:
    """Fill every parameter, in the order of the state dict.

    Matrices are Xavier uniform, biases zero; gates start as in the released code (``model_spec.md`` 3.1). The output
    layer, the temporal convolutions, the caption attention's projection and all camera projections start at zero, so
    that a block begins as self-attention and a per-frame feed-forward, and a fresh branch changes nothing.
    """
    for name, parameter in model.named_parameters():
        _fill(name, parameter, generator)
    for module in model.modules():
        if isinstance(module, ShortConv):
            module.weight[:, :, -1] = 1.0
        if isinstance(module, FrameGDNMixer):
            nn.init.zeros_(module.gate_proj.weight)
            nn.init.constant_(module.beta_proj.bias, UPDATE_GATE_BIAS)
            nn.init.constant_(module.dt_bias, DECAY_BIAS)
        if isinstance(module, MixerBase):
            module.initialize_gate()
    nn.init.constant_(model.attention_y_norm.weight, CAPTION_NORM_WEIGHT)


def _fill(name: str, parameter: Tensor, generator: torch.Generator) -> None:
    leaf = name.rsplit(".", 1)[-1]
    if "norm" in name and leaf == "weight":
        nn.init.ones_(parameter)
    elif leaf == "scale_shift_table":
        parameter.normal_(std=parameter.shape[1] ** -0.5, generator=generator)
    elif leaf in {"bias", "A_log", "dt_bias"} or _starts_at_zero(name):
        nn.init.zeros_(parameter)
    elif name.startswith(("t_embedder", "t_block", "y_embedder")):
        parameter.normal_(std=EMBEDDER_STD, generator=generator)
    else:
        nn.init.xavier_uniform_(parameter.flatten(1), generator=generator)


def _starts_at_zero(name: str) -> bool:
    silent = ("final_layer.linear", "t_conv", "cross_attn.proj", "plucker_proj", "conv_k")
    return any(part in name for part in silent)
