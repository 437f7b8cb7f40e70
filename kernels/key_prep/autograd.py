"""Gradients of the feature preparation's operator."""
# ruff: noqa: ARG001 - a fake implementation and an operator have fixed signatures

import torch
from torch import Tensor
from torch.library import CustomOpDef

from kernels.autograd import Context, refuse_second
from kernels.backward_gate import fused
from kernels.key_prep import launch_backward
from kernels.key_prep.backward import features_backward


@torch.library.custom_op("sana_wm::prepare_features_backward", mutates_args=())
def _backward(
    raw: Tensor, weight: Tensor, gradient: Tensor, eps: float, scale: float, gated: bool
) -> tuple[Tensor, Tensor]:
    compute = launch_backward.features_backward if fused(gated, raw, gradient.shape[-1]) else features_backward
    features, gain = compute(raw, weight, gradient, eps, scale)
    return features.to(raw.dtype).contiguous(), gain.to(weight.dtype)


@_backward.register_fake
def _(raw: Tensor, weight: Tensor, gradient: Tensor, eps: float, scale: float, gated: bool) -> tuple[Tensor, Tensor]:
    return raw.new_empty(raw.shape), torch.empty_like(weight)


def _setup(ctx: Context, inputs: tuple, output: object) -> None:
    raw, weight, _, eps, scale, gated = inputs
    ctx.save_for_backward(raw, weight)
    ctx.call = eps, scale, gated


def _gradients(ctx: Context, gradient: Tensor) -> tuple:
    raw, weight = ctx.saved_tensors
    features, gain = _backward(raw, weight, gradient, *ctx.call)
    return features, gain, None, None, None, None


def register(prepare_features: CustomOpDef) -> None:
    """Give the forward operator its gradients, and those gradients none."""
    prepare_features.register_autograd(_gradients, setup_context=_setup)
    _backward.register_autograd(refuse_second)
