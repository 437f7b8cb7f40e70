"""What a weights file is, told from its header and the ``model.json`` beside it."""

from collections import Counter
from pathlib import Path

import torch

from data_contracts.checkpoint import CheckpointInfo, KeyMapSummary, TensorHeader, WeightsReport
from model.backbone import SanaWM
from model.checkpoints.header import TensorEntry, read_header
from model.checkpoints.layout import config_from_shapes, map_keys
from model.checkpoints.store import INFO, backbone_config, checkpoint_info, read_info
from model.config import BackboneConfig, v2


def inspect_weights(path: Path) -> WeightsReport:
    """Layout, shapes, types, profile and key map of a safetensors file; no tensor is read.

    Raises:
        InputError: if the file or its ``model.json`` is broken.
    """
    entries = read_header(path)
    info = read_info(path.parent / INFO) if (path.parent / INFO).exists() else None
    config = backbone_config(info.architecture) if info else _implied(entries)
    keys = _summary(entries, config)
    return WeightsReport(
        path=str(path),
        layout=_layout(info, config, keys),
        bytes=path.stat().st_size,
        parameters=sum(entry.values for entry in entries.values()),
        dtypes=dict(sorted(Counter(entry.dtype for entry in entries.values()).items())),
        numerics=info.numerics if info else "",
        architecture=checkpoint_info(_skeleton(config)).architecture if config else None,
        key_map=keys,
        tensors={
            name: TensorHeader(dtype=entry.dtype, shape=list(entry.shape)) for name, entry in sorted(entries.items())
        },
    )


def _implied(entries: dict[str, TensorEntry]) -> BackboneConfig | None:
    try:
        return config_from_shapes({name: entry.shape for name, entry in entries.items()})
    except (KeyError, ValueError, IndexError):
        return None


def _skeleton(config: BackboneConfig) -> SanaWM:
    with torch.device("meta"):
        return SanaWM(config, v2())


def _summary(entries: dict[str, TensorEntry], config: BackboneConfig | None) -> KeyMapSummary:
    if config is None:
        return KeyMapSummary(used=0, known_unused=[], unknown=sorted(entries), missing=[])
    keys = map_keys(entries, _skeleton(config).state_dict(), config.softmax_blocks)
    return KeyMapSummary(used=len(keys.used), known_unused=keys.dead, unknown=keys.unknown, missing=keys.missing)


def _layout(info: CheckpointInfo | None, config: BackboneConfig | None, keys: KeyMapSummary) -> str:
    if config is None:
        return "unknown"
    if keys.unknown or keys.missing:
        return "partial"
    return "sana-wm checkpoint" if info else "released"
