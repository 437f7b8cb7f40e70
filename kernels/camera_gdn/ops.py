"""The camera branch as ``torch.library`` operators: ``torch.compile`` sees one node, whatever kernels it launches."""
# ruff: noqa: ARG001 - a fake implementation has its operator's signature

from collections.abc import Sequence

import torch
from torch import Tensor

from kernels.camera_gdn import autograd, launch, reference
from kernels.camera_gdn.types import CameraGDNCarry, CameraGDNInputs, CameraGDNRaw, CameraGDNSummary
from kernels.gate import Passed
from kernels.launch import reset_flags
from kernels.scan import Ends, summarize


@torch.library.custom_op("sana_wm::camera_gdn", mutates_args=())
def _prepared(
    features: list[Tensor],
    gates: list[Tensor],
    before: Tensor | None,
    after: Tensor | None,
    resets: list[bool],
    gated: bool,
) -> tuple[Tensor, Tensor]:
    if gated and not Passed.on(features[0].device, features[0].shape[-1]):
        output, state = reference.camera_gdn(CameraGDNInputs(*features, *gates), resets, CameraGDNCarry(before, after))
        return _tokens_first(output, features[2].dtype), state
    operands = launch.prepared_operands(features, (gates[0], gates[1]))
    return launch.run(operands, resets, Ends(before, after))


@_prepared.register_fake
def _(features: list[Tensor], gates: list[Tensor], *rest: object) -> tuple[Tensor, Tensor]:
    return _like(features[2])


@torch.library.custom_op("sana_wm::camera_gdn_raw", mutates_args=())
def _raw(
    features: list[Tensor],
    tables: list[Tensor],
    before: Tensor | None,
    after: Tensor | None,
    resets: list[bool],
    scalars: list[float],
    gated: bool,
) -> tuple[Tensor, Tensor]:
    """``features``: query, key, value. ``tables``: weights, matrices, cosine, sine, gate, decay. ``scalars``: two."""
    norm_eps, key_scale = scalars
    dim = features[0].shape[-1] // tables[7].shape[1]
    if gated and not Passed.on(features[0].device, dim):
        raw = CameraGDNRaw(*features, *tables, norm_eps, key_scale)
        output, state = reference.camera_gdn_raw(raw, resets, CameraGDNCarry(before, after))
        return _tokens_first(output, features[2].dtype), state
    operands = launch.raw_operands(
        (features[0], features[1], features[2]),
        (tables[0], tables[1]),
        (tables[2], tables[3]),
        (tables[4], tables[5]),
        (tables[6], tables[7]),
        norm_eps,
        key_scale,
    )
    return launch.run(operands, resets, Ends(before, after))


@_raw.register_fake
def _(features: list[Tensor], tables: list[Tensor], *rest: object) -> tuple[Tensor, Tensor]:
    heads = tables[7].shape[1]
    return _like(features[2].unflatten(-1, (heads, -1)).permute(0, 3, 1, 2, 4))


def camera_gdn(
    inputs: CameraGDNInputs, resets: Sequence[bool], carry: CameraGDNCarry, *, gated: bool
) -> tuple[Tensor, Tensor]:
    """See ``kernels.camera_gdn.api.camera_gdn``; ``gated`` falls back where the device fails its self-check."""
    features, gates = [inputs.query, inputs.key, inputs.value], [inputs.update_gate, inputs.decay]
    output, last = _prepared(features, gates, _wide(carry.before), _wide(carry.after), list(resets), gated)
    return output.permute(0, 3, 1, 2, 4), last


def camera_gdn_raw(
    raw: CameraGDNRaw, resets: Sequence[bool], carry: CameraGDNCarry, *, gated: bool
) -> tuple[Tensor, Tensor]:
    """See ``kernels.camera_gdn.api.camera_gdn_raw``."""
    weights, rays = [raw.query_weight, raw.key_weight], [raw.ray_from_world, raw.world_from_ray]
    tables = [*weights, *rays, raw.cosine, raw.sine, raw.update_gate, raw.decay]
    features, scalars = [raw.query, raw.key, raw.value], [raw.norm_eps, raw.key_scale]
    ends = _wide(carry.before), _wide(carry.after)
    output, last = _raw(features, tables, *ends, list(resets), scalars, gated)
    return output.permute(0, 3, 1, 2, 4), last


def camera_gdn_summary(inputs: CameraGDNInputs, resets: Sequence[bool]) -> CameraGDNSummary:
    """See ``kernels.camera_gdn.api.camera_gdn_summary``."""
    features = (inputs.query, inputs.key, inputs.value)
    operands = launch.prepared_operands(features, (inputs.update_gate, inputs.decay))
    flags = reset_flags(tuple(resets), inputs.query.device) if any(resets) else None
    matrix, _ = summarize(operands.shape, launch.camera_steps(operands), flags)
    return CameraGDNSummary(*matrix)


def _wide(state: Tensor | None) -> Tensor | None:
    return None if state is None else state.float()


def _tokens_first(output: Tensor, dtype: torch.dtype) -> Tensor:
    return output.permute(0, 2, 3, 1, 4).to(dtype).contiguous()


def _like(value: Tensor) -> tuple[Tensor, Tensor]:
    batch, heads, frames, space, dim = value.shape
    output = value.new_empty(batch, frames, space, heads, dim)
    return output, value.new_empty(batch, heads, dim, dim, dtype=torch.float32)


autograd.register(_prepared, _raw)
