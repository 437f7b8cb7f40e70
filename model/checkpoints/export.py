"""Writing a backbone in any layout."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from data_contracts.checkpoint import CheckpointInfo
from data_contracts.errors import ErrorCode, InputError
from data_contracts.weights import WeightsLayout
from model.checkpoints.layout import Dialect
from model.checkpoints.locate import DIFFUSERS_CLASS, PLACES, RECORDS
from model.checkpoints.source import GENERATOR
from model.checkpoints.store import write_atomically
from model.config import BackboneConfig

DIFFUSERS_VERSION = "0.42.1"  # whose configuration fields are written


def named_for(
    dialect: Dialect, config: BackboneConfig, parameters: Mapping[str, Tensor], unused: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], list[str]]:
    """Every tensor that a layout demands, under its names.

    Args:
        dialect: the layout's names.
        config: sizes.
        parameters: all of the network, by our names.
        unused: known values of keys that are not read, by our names.

    Returns:
        tensors by the layout's names, and our names of those that nobody gave and that hold their initial values.
    """
    like = next(iter(parameters.values()))
    tensors, placeholders = dict(parameters), []
    for one in dialect.unused:
        for name in one.names(config):
            if name in unused:
                tensors[name] = unused[name]
            else:
                tensors[name] = torch.full(one.shape(config), one.fill, dtype=like.dtype, device=like.device)
                placeholders.append(name)
    return {dialect.theirs(name): tensor for name, tensor in tensors.items()}, placeholders


def write_layout(
    target: Path, layout: WeightsLayout, config: BackboneConfig, tensors: Mapping[str, Tensor], info: CheckpointInfo
) -> list[str]:
    """Write the files of a layout below ``target``, each whole or not at all; equal tensors give equal bytes.

    Args:
        target: directory, made if it is not there.
        layout: which files.
        config: sizes.
        tensors: by the layout's names.
        info: written with our layout alone.

    Returns:
        paths relative to ``target``.

    Raises:
        InputError: the layout cannot describe such a network.
    """
    check_layout_fits(layout, config)
    file = target / PLACES[layout][0]
    file.parent.mkdir(parents=True, exist_ok=True)
    whole = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
    if layout is WeightsLayout.STREAMING:
        _write_archive(file, whole)
    else:
        write_atomically(file, whole)
    written = [file]
    if layout in RECORDS:
        record = file.parent / RECORDS[layout]
        text = info.model_dump_json(indent=2) if layout is WeightsLayout.OURS else _diffusers_config(config)
        scratch = record.with_name(f".{record.name}.partial")
        scratch.write_text(text + "\n")
        scratch.replace(record)
        written.append(record)
    return [path.relative_to(target).as_posix() for path in written]


def check_layout_fits(layout: WeightsLayout, config: BackboneConfig) -> None:
    """Refuse networks that a layout has no place for.

    Raises:
        InputError: naming the field.
    """
    if layout is WeightsLayout.OURS:
        return
    if config.mixer != "frame_gdn" or not config.camera_branch:
        problem = f"mixer={config.mixer!r}, camera_branch={config.camera_branch}: only frame_gdn with cameras has one"
    elif layout is WeightsLayout.DIFFUSERS and config.softmax_blocks != _every(_period(config), config.depth):
        problem = f"softmax_blocks={config.softmax_blocks}: diffusers names only every n-th block"
    else:
        return
    raise InputError(ErrorCode.WEIGHTS_INVALID, f"{layout.value} layout: {problem}", "convert to the sana-wm layout")


def _write_archive(path: Path, tensors: dict[str, Tensor]) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as stream:
        scratch = Path(stream.name)
        try:
            torch.save({GENERATOR: tensors}, stream)
        except BaseException:
            scratch.unlink()
            raise
    scratch.chmod(0o644)
    scratch.replace(path)


def _diffusers_config(config: BackboneConfig) -> str:
    """``config.json``: what the class's constructor takes; fields without a counterpart here keep its defaults."""
    fields = {
        "_class_name": DIFFUSERS_CLASS,
        "_diffusers_version": DIFFUSERS_VERSION,
        "in_channels": config.latent_channels,
        "num_layers": config.depth,
        "hidden_size": config.hidden,
        "num_attention_heads": config.heads,
        "linear_head_dim": config.head_dim,
        "patch_size": [1, 1, 1],
        "softmax_every_n": _period(config),
        "conv_kernel_size": config.conv_taps,
        "caption_channels": config.caption_channels,
        "mlp_ratio": config.mlp_ratio,
        "chunk_plucker_channels": config.plucker_channels,
        "chunk_plucker_post_attn_blocks": config.depth,
    }
    return json.dumps(fields, indent=2)


def _period(config: BackboneConfig) -> int:
    """The n of "every n-th block is softmax"; beyond the depth where there is none."""
    return config.softmax_blocks[0] + 1 if config.softmax_blocks else config.depth + 1


def _every(period: int, depth: int) -> tuple[int, ...]:
    return tuple(range(period - 1, depth, period))
