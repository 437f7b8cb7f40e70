"""Gradients of the short convolution's operators."""
# ruff: noqa: ARG001 - a fake implementation and an operator have fixed signatures

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.library import CustomOpDef

from kernels.autograd import Context, refuse_second
from kernels.backward_gate import fused
from kernels.short_conv import launch_backward
from kernels.short_conv.backward import short_conv_backward
from kernels.short_conv.reference import with_zeros
from kernels.short_conv.sight import TAPS, later_frames_seen

CHECKED_DIM = 112  # the convolution knows no heads: the released head size stands for the device


@torch.library.custom_op("sana_wm::short_conv_backward", mutates_args=())
def _backward(
    extended: Tensor, weight: Tensor, chunk_ids: list[int], gradient: Tensor, gated: bool
) -> tuple[Tensor, Tensor]:
    if weight.shape[1] == TAPS and fused(gated, extended, CHECKED_DIM):
        sight = later_frames_seen(tuple(chunk_ids), gradient.shape[1], extended.device)
        frames, taps = launch_backward.short_conv_backward(extended, weight, sight, gradient)
    else:
        frames, taps = short_conv_backward(extended, weight, chunk_ids, gradient)
    return frames.to(extended.dtype), taps.to(weight.dtype)


@_backward.register_fake
def _(
    extended: Tensor, weight: Tensor, chunk_ids: Sequence[int], gradient: Tensor, gated: bool
) -> tuple[Tensor, Tensor]:
    return extended.new_empty(extended.shape), weight.new_empty(weight.shape)


def _setup(ctx: Context, inputs: tuple, output: object) -> None:
    extended, weight, chunk_ids, gated = inputs
    ctx.save_for_backward(extended, weight)
    ctx.call = list(chunk_ids), gated


def _gradients(ctx: Context, gradient: Tensor) -> tuple:
    extended, weight = ctx.saved_tensors
    chunk_ids, gated = ctx.call
    frames, taps = _backward(extended, weight, chunk_ids, gradient, gated)
    return frames, taps, None, None


def _alone_gradients(ctx: Context, gradient: Tensor) -> tuple:
    frames, weight = ctx.saved_tensors
    chunk_ids, gated = ctx.call
    extended, _, ids = with_zeros(frames, weight, chunk_ids)
    toward, taps = _backward(extended, weight, ids, gradient, gated)
    reach = weight.shape[1] - 1
    return toward[:, reach : reach + frames.shape[1]], taps, None, None


def register(short_conv: CustomOpDef, alone: CustomOpDef) -> None:
    """Give the forward operators their gradients, and those gradients none."""
    short_conv.register_autograd(_gradients, setup_context=_setup)
    alone.register_autograd(_alone_gradients, setup_context=_setup)
    _backward.register_autograd(refuse_second)
