"""Small random checkpoints in every layout, for tests and demonstrations: real files, meaningless weights."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from data_contracts.weights import Preset, WeightsLayout
from model.checkpoints.export import named_for, write_layout
from model.checkpoints.layout import DIALECTS
from model.checkpoints.store import checkpoint_info
from model.config import BackboneConfig, numerics_named, paper, tiny
from model.layers.initialization import build_backbone

PRESETS: Mapping[Preset, Callable[[], BackboneConfig]] = {Preset.TINY: tiny, Preset.PAPER: paper}
NOISE = 0.02


def write_fixture(target: Path, layout: WeightsLayout, preset: Preset, seed: int) -> list[str]:
    """A random checkpoint below ``target``; the same seed gives the same bytes.

    Every parameter is its initial value and a little noise, so that no branch is silent.

    Args:
        target: directory, made if it is not there.
        layout: to write.
        preset: sizes.
        seed: of the weights.

    Returns:
        paths of the files, relative to ``target``.
    """
    generator = torch.Generator().manual_seed(seed)
    profile = numerics_named("diffusers" if layout is WeightsLayout.DIFFUSERS else "v2")
    model = build_backbone(PRESETS[preset](), profile, generator)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * NOISE)
    tensors, _ = named_for(DIALECTS[layout], model.config, model.state_dict(), {})
    return write_layout(target, layout, model.config, tensors, checkpoint_info(model))
