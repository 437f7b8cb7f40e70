"""Gradients of the camera branch's operators: each backward is an operator of its own."""
# ruff: noqa: ARG001 - a fake implementation and an operator have fixed signatures

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.library import CustomOpDef

from kernels.autograd import (
    Context,
    fake_raw_gradients,
    handed,
    heads_first,
    keep_raw_call,
    kept,
    kept_fake,
    raw_gradients,
    refuse_second,
    tokens_first,
)
from kernels.backward_gate import fused
from kernels.camera_gdn import launch
from kernels.camera_gdn.backward import Incoming, camera_gdn_backward, camera_gdn_raw_backward
from kernels.camera_gdn.launch_backward import run_backward
from kernels.camera_gdn.types import CameraGDNCarry, CameraGDNInputs, CameraGDNRaw
from kernels.key_prep.launch_backward import features_backward_in_place
from kernels.scan import Ends

States = tuple[Tensor | None, Tensor | None]
TABLES = slice(5, 9)  # among the gradients of the fused call: matrices and angles have them in plain PyTorch only


def fused_raw(
    raw: CameraGDNRaw, resets: Sequence[bool], ends: States, incoming: tuple[Tensor, Tensor]
) -> list[Tensor | None]:
    """Gradients of query, key, value, two weights, four tables (None), gate, decay, both ends, by Triton.

    ``incoming``: of the output, tokens first, and of the last state.
    """
    operands = launch.raw_operands(
        (raw.query, raw.key, raw.value),
        (raw.query_weight, raw.key_weight),
        (raw.ray_from_world, raw.world_from_ray),
        (raw.cosine, raw.sine),
        (raw.update_gate, raw.decay),
        raw.norm_eps,
        raw.key_scale,
    )
    tokens = run_backward(operands, resets, Ends(*ends), incoming)
    query, query_weight = features_backward_in_place(raw.query, raw.query_weight, tokens.query, raw.norm_eps)
    key, key_weight = features_backward_in_place(raw.key, raw.key_weight, tokens.key, raw.norm_eps)
    value, gates = tokens.value.flatten(-2), (tokens.update_gate, tokens.decay)
    return [query, key, value, query_weight, key_weight, *(None,) * 4, *gates, tokens.before, tokens.after]


def plain_raw(
    raw: CameraGDNRaw, resets: Sequence[bool], ends: States, incoming: tuple[Tensor, Tensor]
) -> list[Tensor | None]:
    """The same in plain PyTorch, with the tables' gradients."""
    outgoing = Incoming(heads_first(incoming[0]), incoming[1])
    return list(vars(camera_gdn_raw_backward(raw, resets, CameraGDNCarry(*ends), outgoing)).values())


@torch.library.custom_op("sana_wm::camera_gdn_raw_backward", mutates_args=())
def _raw_backward(
    inputs: list[Tensor],
    before: Tensor | None,
    after: Tensor | None,
    incoming: list[Tensor],
    resets: list[bool],
    scalars: list[float],
    wanted: list[bool],
    gated: bool,
) -> list[Tensor]:
    """``inputs``: three features, two weights, two matrices, cosine, sine, gate, decay. ``scalars``: eps, key scale."""
    raw = CameraGDNRaw(*inputs, *scalars)
    dim = raw.query.shape[-1] // raw.decay.shape[1]
    compute = fused_raw if not any(wanted[TABLES]) and fused(gated, raw.query, dim) else plain_raw
    gradients = compute(raw, resets, (before, after), (incoming[0], incoming[1]))
    return kept(gradients, [*inputs, before, after], wanted)


@torch.library.custom_op("sana_wm::camera_gdn_backward", mutates_args=())
def _prepared_backward(
    inputs: list[Tensor],
    before: Tensor | None,
    after: Tensor | None,
    incoming: list[Tensor],
    resets: list[bool],
    wanted: list[bool],
    gated: bool,
) -> list[Tensor]:
    """``inputs``: three features, gate, decay. Gradients of features come tokens first."""
    if fused(gated, inputs[0], inputs[0].shape[-1]):
        operands = launch.prepared_operands(inputs[:3], (inputs[3], inputs[4]))
        made = run_backward(operands, resets, Ends(before, after), (incoming[0], incoming[1]))
        gradients = [made.query, made.key, made.value]
    else:
        call = CameraGDNInputs(*inputs)
        outgoing = Incoming(heads_first(incoming[0]), incoming[1])
        made = camera_gdn_backward(call, resets, CameraGDNCarry(before, after), outgoing)
        gradients = [tokens_first(one) for one in (made.query, made.key, made.value)]
    ends = (made.update_gate, made.decay, made.before, made.after)
    return kept([*gradients, *ends], [*inputs, before, after], wanted)


@_prepared_backward.register_fake
def _(
    inputs: list[Tensor],
    before: Tensor | None,
    after: Tensor | None,
    incoming: list[Tensor],
    resets: list[bool],
    wanted: list[bool],
    gated: bool,
) -> list[Tensor]:
    shapes = [*(tokens_first(one).shape for one in inputs[:3]), *(one.shape for one in inputs[3:])]
    ends = [() if one is None else one.shape for one in (before, after)]
    return kept_fake([*inputs, before, after], wanted, [*shapes, *ends])


def _setup_prepared(ctx: Context, inputs: tuple, output: object) -> None:
    features, gates, before, after, resets, gated = inputs
    ctx.save_for_backward(*features, *gates, before, after)
    ctx.call = list(resets), gated


def _prepared_gradients(ctx: Context, output: Tensor, last: Tensor) -> tuple:
    *inputs, before, after = ctx.saved_tensors
    resets, gated = ctx.call
    needs = ctx.needs_input_grad
    wanted = [*needs[0], *needs[1], needs[2], needs[3]]
    found = _prepared_backward(inputs, before, after, [output, last], resets, wanted, gated)
    found = handed(found, wanted)
    return [None if one is None else heads_first(one) for one in found[:3]], found[3:5], found[5], found[6], None, None


def register(prepared: CustomOpDef, raw: CustomOpDef) -> None:
    """Give both forward operators their gradients, and those gradients none."""
    _raw_backward.register_fake(fake_raw_gradients)
    raw.register_autograd(raw_gradients(_raw_backward), setup_context=keep_raw_call)
    prepared.register_autograd(_prepared_gradients, setup_context=_setup_prepared)
    _raw_backward.register_autograd(refuse_second)
    _prepared_backward.register_autograd(refuse_second)
