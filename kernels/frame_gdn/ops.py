"""The main branch as ``torch.library`` operators: ``torch.compile`` sees one node, whatever kernels it launches."""
# ruff: noqa: ARG001 - a fake implementation has its operator's signature

from collections.abc import Sequence

import torch
from torch import Tensor

from kernels.frame_gdn import autograd, launch, reference
from kernels.frame_gdn.types import FrameGDNCarry, FrameGDNInputs, FrameGDNRaw, FrameGDNState, FrameGDNSummary
from kernels.gate import Passed
from kernels.launch import reset_flags
from kernels.scan import Ends, summarize


@torch.library.custom_op("sana_wm::frame_gdn", mutates_args=())
def _prepared(
    features: list[Tensor],
    gates: list[Tensor],
    before: Tensor | None,
    after: Tensor | None,
    resets: list[bool],
    eps: float,
    delta: bool,
    gated: bool,
) -> tuple[Tensor, Tensor]:
    if gated and not Passed.on(features[0].device, features[0].shape[-1]):
        inputs = FrameGDNInputs(*features, *gates, delta)
        return _packed(*reference.frame_gdn(inputs, resets, eps, _carry(before, after)), features[4].dtype)
    operands = launch.prepared_operands(features, (gates[0], gates[1]), delta=delta)
    return launch.run(operands, resets, eps, Ends(before, after))


@_prepared.register_fake
def _(
    features: list[Tensor], gates: list[Tensor], before: Tensor | None, after: Tensor | None, *rest: object
) -> tuple[Tensor, Tensor]:
    return _like(features[4])


@torch.library.custom_op("sana_wm::frame_gdn_raw", mutates_args=())
def _raw(
    features: list[Tensor],
    tables: list[Tensor],
    before: Tensor | None,
    after: Tensor | None,
    resets: list[bool],
    scalars: list[float],
    gated: bool,
) -> tuple[Tensor, Tensor]:
    """``features``: query, key, value. ``tables``: two weights, cosine, sine, gate, decay. ``scalars``: three."""
    norm_eps, key_scale, eps = scalars
    dim = features[0].shape[-1] // tables[5].shape[1]
    if gated and not Passed.on(features[0].device, dim):
        raw = FrameGDNRaw(*features, *tables, norm_eps, key_scale)
        mixed = reference.frame_gdn(reference.prepare(raw), resets, eps, _carry(before, after))
        return _packed(*mixed, features[2].dtype)
    query_weight, key_weight, cosine, sine, gate, decay = tables
    operands = launch.raw_operands(
        (features[0], features[1], features[2]),
        (query_weight, key_weight),
        (cosine, sine),
        (gate, decay),
        norm_eps,
        key_scale,
    )
    return launch.run(operands, resets, eps, Ends(before, after))


@_raw.register_fake
def _(
    features: list[Tensor], tables: list[Tensor], before: Tensor | None, after: Tensor | None, *rest: object
) -> tuple[Tensor, Tensor]:
    heads = tables[5].shape[1]
    return _like(features[2].unflatten(-1, (heads, -1)).permute(0, 3, 1, 2, 4))


def frame_gdn(
    inputs: FrameGDNInputs, resets: Sequence[bool], eps: float, carry: FrameGDNCarry, *, gated: bool
) -> tuple[Tensor, FrameGDNState]:
    """See ``kernels.frame_gdn.api.frame_gdn``; ``gated`` falls back where the device fails its self-check."""
    features = [inputs.query, inputs.key, inputs.rotated_query, inputs.rotated_key, inputs.value]
    gates = [inputs.update_gate, inputs.decay]
    ends = _ends(carry)
    output, last = _prepared(features, gates, ends.before, ends.after, list(resets), eps, inputs.delta, gated)
    return output.permute(0, 3, 1, 2, 4), _state(last)


def frame_gdn_raw(
    raw: FrameGDNRaw, resets: Sequence[bool], eps: float, carry: FrameGDNCarry, *, gated: bool
) -> tuple[Tensor, FrameGDNState]:
    """See ``kernels.frame_gdn.api.frame_gdn_raw``."""
    tables = [raw.query_weight, raw.key_weight, raw.cosine, raw.sine, raw.update_gate, raw.decay]
    features, scalars = [raw.query, raw.key, raw.value], [raw.norm_eps, raw.key_scale, eps]
    ends = _ends(carry)
    output, last = _raw(features, tables, ends.before, ends.after, list(resets), scalars, gated)
    return output.permute(0, 3, 1, 2, 4), _state(last)


def frame_gdn_summary(inputs: FrameGDNInputs, resets: Sequence[bool]) -> FrameGDNSummary:
    """See ``kernels.frame_gdn.api.frame_gdn_summary``."""
    features = (inputs.query, inputs.key, inputs.rotated_query, inputs.rotated_key, inputs.value)
    operands = launch.prepared_operands(features, (inputs.update_gate, inputs.decay), delta=inputs.delta)
    flags = reset_flags(tuple(resets), inputs.query.device) if any(resets) else None
    matrix, normalizer = summarize(operands.shape, launch.frame_steps(operands), flags)
    return FrameGDNSummary(*matrix, *normalizer)


def _ends(carry: FrameGDNCarry) -> Ends:
    def pack(state: FrameGDNState | None) -> Tensor | None:
        return None if state is None else torch.cat((state.matrix, state.normalizer), 2).float()

    return Ends(pack(carry.before), pack(carry.after))


def _state(packed: Tensor) -> FrameGDNState:
    return FrameGDNState(packed[:, :, :-1], packed[:, :, -1:])


def _carry(before: Tensor | None, after: Tensor | None) -> FrameGDNCarry:
    return FrameGDNCarry(
        None if before is None else _state(before),
        None if after is None else _state(after),
    )


def _packed(output: Tensor, state: FrameGDNState, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    mixed = output.permute(0, 2, 3, 1, 4).to(dtype).contiguous()
    return mixed, torch.cat((state.matrix, state.normalizer), 2)


def _like(value: Tensor) -> tuple[Tensor, Tensor]:
    batch, heads, frames, space, dim = value.shape
    output = value.new_empty(batch, frames, space, heads, dim)
    return output, value.new_empty(batch, heads, dim + 1, dim, dtype=torch.float32)


autograd.register(_prepared, _raw)
