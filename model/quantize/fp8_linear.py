"""Linear layers of the backbone in FP8 for inference on Hopper: rows of weights and of activations scaled on their own.

Activations are quantized by a kernel that reads a row once (``kernels.rows``), and in a compiled model by what writes
the row (``kernels.rows.epilogue``). The camera branch, the gates of single heads, the embedders and the head stay as
they are (``model.quantize.selection``).
"""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from data_contracts.errors import ErrorCode, InputError
from kernels.rows import Fp8Rows, quantize_rows
from model.backbone import SanaWM
from model.layers.feed_forward import ConvLayer, TemporalConv, around
from model.quantize.fp8 import quantize_fp8

LEAST_CAPABILITY = (8, 9)


class Fp8Matrix(nn.Module):
    """A weight matrix in FP8, multiplied by rows in FP8 with float32 sums.

    Args:
        weight: output channels by input channels.
    """

    codes: Tensor
    scale: Float[Tensor, "1 out"]

    def __init__(self, weight: Float[Tensor, "out channels"]) -> None:
        super().__init__()
        packed = quantize_fp8(weight)
        self.register_buffer("codes", packed.codes.contiguous())
        self.register_buffer("scale", packed.scale.t().contiguous())

    def forward(self, rows: Fp8Rows, bias: Tensor | None, dtype: torch.dtype) -> Float[Tensor, "rows out"]:
        """``rows @ weight.T + bias``."""
        return torch._scaled_mm(
            rows.codes,
            self.codes.t(),
            scale_a=rows.scale,
            scale_b=self.scale,
            bias=bias,
            out_dtype=dtype,
            use_fast_accum=True,
        )


class Fp8Linear(nn.Module):
    """A linear layer, or a 1x1 convolution on channels-last tokens."""

    def __init__(self, weight: Float[Tensor, "out channels"], bias: Tensor | None) -> None:
        super().__init__()
        self.matrix = Fp8Matrix(weight)
        self.bias = bias

    def forward(self, features: Float[Tensor, "*rows channels"]) -> Float[Tensor, "*rows out"]:
        """As the layer it replaces, in the features' type."""
        product = self.matrix(quantize_rows(features), self.bias, features.dtype)
        return product.unflatten(0, features.shape[:-1])


class Fp8TemporalConv(nn.Module):
    """The temporal convolution as one product of quantized rows with its three taps, one above the other."""

    def __init__(self, weight: Float[Tensor, "out channels 3 1"]) -> None:
        super().__init__()
        self.matrix = Fp8Matrix(rearrange(weight, "out channels tap 1 -> (tap out) channels"))

    def forward(
        self, extended: Float[Tensor, "batch extended space channels"], seen: Float[Tensor, " frames"] | None
    ) -> Float[Tensor, "batch frames space channels"]:
        """See ``model.layers.feed_forward.TemporalConv``."""
        left, center, right = self._taps(extended)
        previous, here, following = left[:, :-2], center[:, 1:-1], right[:, 2:]
        return previous + here + (following if seen is None else following * seen[:, None, None])

    def alone(
        self, frames: Float[Tensor, "batch frames space channels"], seen: Float[Tensor, " frames"] | None
    ) -> Float[Tensor, "batch frames space channels"]:
        """See ``model.layers.feed_forward.TemporalConv``."""
        left, center, right = self._taps(frames)
        return center + around(left[:, :-1], right[:, 1:], seen)

    def _taps(self, features: Float[Tensor, "batch some space channels"]) -> tuple[Tensor, ...]:
        """Every frame through each tap."""
        product = self.matrix(quantize_rows(features), None, features.dtype)
        return product.unflatten(0, features.shape[:-1]).chunk(3, dim=-1)


def to_fp8(model: SanaWM) -> None:
    """Replace the backbone's large linear layers but those of the camera branch; the weights become FP8 in place.

    Raises:
        InputError: the device has no FP8 products.
    """
    device = next(model.parameters()).device
    if device.type != "cuda" or torch.cuda.get_device_capability(device) < LEAST_CAPABILITY:
        raise InputError(
            ErrorCode.REQUEST_INVALID, f"--precision fp8 needs an NVIDIA GPU of 8.9 or newer, not {device}", "pass bf16"
        )
    for block in model.blocks:
        replace_layers(block)


def replace_layers(block: nn.Module) -> None:
    """One block, in place."""
    attention, cross, feed_forward = block.attn, block.cross_attn, block.mlp
    for owner, names in ((attention, ("qkv", "proj", "output_gate")), (cross, ("q_linear", "proj"))):
        for name in names:
            layer = getattr(owner, name)
            if layer is not None:
                setattr(owner, name, Fp8Linear(layer.weight.detach(), layer.bias))
    for name in ("inverted_conv", "point_conv"):
        layer: ConvLayer = getattr(feed_forward, name)
        setattr(feed_forward, name, Fp8Linear(layer.conv.weight.detach().flatten(1), layer.conv.bias))
    temporal: TemporalConv = feed_forward.t_conv
    feed_forward.t_conv = Fp8TemporalConv(temporal.weight.detach())
