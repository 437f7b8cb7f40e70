"""Linear layers of the backbone in FP8 for inference on Hopper: rows of weights and of activations scaled on their own.

Activations are quantized by a kernel of its own, which reads a row once (``kernels.fp8_rows``): fused by
``torch.compile`` into what writes the row, its maximum was a second pass over it. The camera branch, the gates of
single heads, the embedders and the head stay as they are (``model.quantize.selection``).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from data_contracts.errors import ErrorCode, InputError
from kernels.fp8_rows import Fp8Rows, quantize_rows
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
    """The temporal convolution as three products of the same quantized rows."""

    def __init__(self, weight: Float[Tensor, "out channels 3 1"]) -> None:
        super().__init__()
        self.taps = nn.ModuleList(Fp8Matrix(tap) for tap in weight[..., 0].unbind(-1))

    def forward(
        self, extended: Float[Tensor, "batch extended space channels"], seen: Float[Tensor, " frames"] | None
    ) -> Float[Tensor, "batch frames space channels"]:
        """See ``model.layers.feed_forward.TemporalConv``."""
        held, frames = quantize_rows(extended), extended.shape[1] - 2
        previous, here, following = (
            _product(matrix, held, extended, slice(shift, shift + frames)) for shift, matrix in enumerate(self.taps)
        )
        return previous + here + (following if seen is None else following * seen[:, None, None])

    def alone(
        self, frames: Float[Tensor, "batch frames space channels"], seen: Float[Tensor, " frames"] | None
    ) -> Float[Tensor, "batch frames space channels"]:
        """See ``model.layers.feed_forward.TemporalConv``."""
        held = quantize_rows(frames)
        left, center, right = self.taps
        from_left = _product(left, held, frames, slice(None, -1))
        from_right = _product(right, held, frames, slice(1, None))
        return _product(center, held, frames, slice(None)) + around(from_left, from_right, seen)


def _product(matrix: Fp8Matrix, held: Fp8Rows, features: Tensor, part: slice) -> Tensor:
    """Some frames of quantized features through a matrix, in the shape and type of the features."""
    codes, scale = (one.view(*features.shape[:-1], -1)[:, part] for one in (held.codes, held.scale))
    product = matrix(Fp8Rows(codes.flatten(0, -2), scale.flatten(0, -2)), None, features.dtype)
    return product.view(*codes.shape[:-1], -1)


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
