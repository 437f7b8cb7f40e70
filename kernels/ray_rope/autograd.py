"""Gradients of the rotation's and the ray transform's operators.

Features go back through the forward kernel, with transposed matrices and the opposite angle. Tables seldom need
gradients; where they do, plain PyTorch computes them.
"""

import torch
from torch import Tensor
from torch.library import CustomOpDef

from kernels.affine_adjoint import wide
from kernels.autograd import Context, handed, kept, kept_fake, refuse_second
from kernels.ray_rope.backward import rotate_backward, tables_wide, transform_backward


@torch.library.custom_op("sana_wm::rotate_tables_backward", mutates_args=())
def _rotate_tables(inputs: list[Tensor], gradient: Tensor, wanted: list[bool]) -> list[Tensor]:
    """``inputs``: features, cosine, sine; gradients of all that are wanted."""
    features, cosine, sine = tables_wide(*inputs)
    return kept(list(vars(rotate_backward(features, cosine, sine, wide(gradient))).values()), inputs, wanted)


@_rotate_tables.register_fake
def _(inputs: list[Tensor], gradient: Tensor, wanted: list[bool]) -> list[Tensor]:  # noqa: ARG001 - the schema
    return kept_fake(inputs, wanted, [one.shape for one in inputs])


@torch.library.custom_op("sana_wm::transform_tables_backward", mutates_args=())
def _transform_tables(inputs: list[Tensor], gradient: Tensor, wanted: list[bool]) -> list[Tensor]:
    """``inputs``: features, matrix, cosine, sine; gradients of all that are wanted."""
    features, matrix, cosine, sine = tables_wide(*inputs)
    found = transform_backward(features, matrix, cosine, sine, wide(gradient))
    return kept(list(vars(found).values()), inputs, wanted)


@_transform_tables.register_fake
def _(inputs: list[Tensor], gradient: Tensor, wanted: list[bool]) -> list[Tensor]:  # noqa: ARG001 - the schema
    return kept_fake(inputs, wanted, [one.shape for one in inputs])


def _setup(ctx: Context, inputs: tuple, output: object) -> None:  # noqa: ARG001 - torch's signature
    *tensors, gated = inputs
    ctx.save_for_backward(*tensors)
    ctx.call = gated


def register(rotate: CustomOpDef, transform_rays: CustomOpDef) -> None:
    """Give both forward operators their gradients; the forward operators themselves have second ones."""

    def rotation(ctx: Context, gradient: Tensor) -> tuple:
        features, cosine, sine = ctx.saved_tensors
        wanted = list(ctx.needs_input_grad[:3])
        if any(wanted[1:]):
            found = handed(_rotate_tables([features, cosine, sine], gradient, wanted), wanted)
            return (*found, None)
        return rotate(gradient, cosine, -sine, ctx.call), None, None, None

    def transform(ctx: Context, gradient: Tensor) -> tuple:
        features, matrix, cosine, sine = ctx.saved_tensors
        wanted = list(ctx.needs_input_grad[:4])
        if any(wanted[1:]):
            found = handed(_transform_tables([features, matrix, cosine, sine], gradient, wanted), wanted)
            return (*found, None)
        return transform_rays(gradient, matrix.mT, cosine, -sine, ctx.call), None, None, None, None

    rotate.register_autograd(rotation, setup_context=_setup)
    transform_rays.register_autograd(transform, setup_context=_setup)
    _rotate_tables.register_autograd(refuse_second)
    _transform_tables.register_autograd(refuse_second)
