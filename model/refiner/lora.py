"""Low-rank adapters on the refiner's attention and feed-forward projections, and their merge into a base.

Adapters are trained on the multi-step base and merged, without further training, into the few-step one (App. A). Names
in files follow LTX-2: ``diffusion_model.<module>.lora_A.weight`` and ``lora_B.weight``, with alpha equal to the rank.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

# Video stream only: attention Q/K/V/O of both attentions, and both feed-forward projections.
TARGETS = r"transformer_blocks\.\d+\.(attn[12]\.(to_q|to_k|to_v|to_out\.0)|ff\.net\.(0\.proj|2))"
_PREFIX = "diffusion_model."


@dataclass(frozen=True)
class MergeReport:
    """What a merge did.

    Attributes:
        merged: weight key -> Frobenius norm of its change over that of the weight.
        untouched: keys of the base that no adapter names.
        strength: factor on every adapter.
    """

    merged: dict[str, float]
    untouched: list[str]
    strength: float


def add_adapters(transformer: nn.Module, rank: int, generator: torch.Generator) -> list[nn.Parameter]:
    """Freeze the base and add trainable adapters; A is drawn from ``generator``, B is zero, so outputs do not change.

    Raises:
        ValueError: no projection matched.
    """
    from peft import LoraConfig, inject_adapter_in_model

    transformer.requires_grad_(False)
    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=rank, target_modules=TARGETS), transformer)
    trainable: list[nn.Parameter] = []
    for name, parameter in transformer.named_parameters():
        if ".lora_A." in name:
            with torch.no_grad():
                parameter.normal_(std=parameter.shape[1] ** -0.5, generator=generator)
        if parameter.requires_grad:
            trainable.append(parameter)
    if not trainable:
        raise ValueError(f"no module matches the adapter pattern {TARGETS}")
    return trainable


def adapter_weights(transformer: nn.Module) -> dict[str, Tensor]:
    """The adapters under their file names."""
    return {
        _PREFIX + name.replace(".default.", "."): parameter.detach().clone().contiguous()
        for name, parameter in transformer.named_parameters()
        if ".lora_A." in name or ".lora_B." in name
    }


def merge_adapters(
    base: Mapping[str, Tensor], adapters: Mapping[str, Tensor], strength: float
) -> tuple[dict[str, Tensor], MergeReport]:
    """``W + strength B A`` in float32, cast back to the type of ``W``.

    Raises:
        ValueError: an adapter has no partner, names no weight of the base, or does not fit it.
    """
    merged = {key: value.clone() for key, value in base.items()}
    changes: dict[str, float] = {}
    for key in sorted(adapters):
        if not key.endswith(".lora_A.weight"):
            continue
        module = key.removeprefix(_PREFIX).removesuffix(".lora_A.weight")
        change = _change(key, module, base, adapters, strength)
        weight = base[f"{module}.weight"].float()
        merged[f"{module}.weight"] = (weight + change).to(base[f"{module}.weight"].dtype)
        changes[f"{module}.weight"] = float(change.norm() / weight.norm())
    if 2 * len(changes) != len(adapters):
        raise ValueError(f"{len(adapters)} adapter tensors do not pair up into {len(changes)} weights")
    return merged, MergeReport(changes, sorted(set(base) - set(changes)), strength)


def _change(
    key: str, module: str, base: Mapping[str, Tensor], adapters: Mapping[str, Tensor], strength: float
) -> Float[Tensor, "rows columns"]:
    partner = key.replace(".lora_A.", ".lora_B.")
    if partner not in adapters or f"{module}.weight" not in base:
        raise ValueError(f"adapter {key} needs {partner} and the base weight {module}.weight")
    change = strength * (adapters[partner].float() @ adapters[key].float())
    if change.shape != base[f"{module}.weight"].shape:
        raise ValueError(
            f"adapter {key} makes {tuple(change.shape)}, the base has {tuple(base[module + '.weight'].shape)}"
        )
    return change
