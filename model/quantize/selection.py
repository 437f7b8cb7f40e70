"""Which layers of the stage-1 backbone and of the refiner are quantized, by released key names.

Follows the deployment of the first release: attention projections and gates, cross attention and the pointwise
convolutions of the FFN. Embedders, modulation, the depthwise and temporal convolutions and the output head stay in high
precision, and so does **every projection of the camera branch**: quantizing them loses pose following.
"""

import re
from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor

from model.quantize.nvfp4 import BLOCK

BACKBONE_INCLUDED = re.compile(
    r"blocks\.\d+\.(attn\.(qkv|proj|beta_proj|gate_proj|output_gate)"
    r"|cross_attn\.(q_linear|kv_linear|proj)"
    r"|mlp\.(inverted_conv\.conv|point_conv\.conv))\.weight"
)
REFINER_INCLUDED = re.compile(
    r"transformer_blocks\.\d+\.(attn1\.(to_q|to_k|to_v|to_out\.0)|attn2\.(to_q|to_out\.0)|ff\.net\.(0\.proj|2))\.weight"
)


def matrix_of(weight: Float[Tensor, "..."]) -> Float[Tensor, "rows columns"]:
    """A linear weight as it is, a 1x1 convolution's as the linear map it is.

    Raises:
        ValueError: the weight mixes neighbouring pixels or frames.
    """
    if any(size != 1 for size in weight.shape[2:]):
        raise ValueError(f"only linear maps and 1x1 convolutions can be quantized, got shape {tuple(weight.shape)}")
    return weight.flatten(1)


def select_layers(weights: Mapping[str, Tensor], included: re.Pattern[str]) -> tuple[list[str], dict[str, str]]:
    """Keys to quantize in sorted order, and every other weight matrix with the reason it stays as it is.

    A matrix whose input or output width is no multiple of 16 cannot be a Tensor Core operand (the per-head gates with
    20 outputs, for example) and stays as well.
    """
    chosen: list[str] = []
    kept: dict[str, str] = {}
    for key in sorted(weights):
        weight = weights[key]
        if weight.ndim < 2 or not key.endswith(".weight"):
            continue
        if "_cam." in key:
            kept[key] = "camera branch stays in high precision"
        elif not included.fullmatch(key):
            kept[key] = "not among the layers the release quantizes"
        elif weight.shape[0] % BLOCK or weight.shape[1] % BLOCK:
            kept[key] = f"{weight.shape[0]}x{weight.shape[1]} is not a multiple of {BLOCK}"
        else:
            chosen.append(key)
    return chosen, kept
