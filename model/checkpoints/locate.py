"""Where the weights of each layout lie, and which layout a path has."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from data_contracts.weights import WeightsLayout
from model.checkpoints.header import read_header
from model.checkpoints.problems import invalid_weights

INDEX_SUFFIX = ".safetensors.index.json"
LARGEST_INDEX = 16 * 2**20
DIFFUSERS_CLASS = "SanaWMTransformer3DModel"
PLACES: Mapping[WeightsLayout, tuple[str, ...]] = {
    WeightsLayout.STREAMING: ("sana_dit/model.pt", "model.pt"),
    WeightsLayout.CHUNK_CAUSAL: (
        "dit/sana_wm_chunk_causal_1600m_720p.safetensors",
        "sana_wm_chunk_causal_1600m_720p.safetensors",
    ),
    WeightsLayout.BIDIRECTIONAL: ("dit/sana_wm_1600m_720p.safetensors", "sana_wm_1600m_720p.safetensors"),
    WeightsLayout.DIFFUSERS: (
        "transformer/diffusion_pytorch_model.safetensors",
        "transformer/diffusion_pytorch_model.safetensors.index.json",
        "diffusion_pytorch_model.safetensors",
        "diffusion_pytorch_model.safetensors.index.json",
    ),
    WeightsLayout.OURS: ("model.safetensors",),
}
"""Paths below a directory, tried in this order; the first of a layout is where it is written."""
RECORDS: Mapping[WeightsLayout, str] = {WeightsLayout.OURS: "model.json", WeightsLayout.DIFFUSERS: "config.json"}


@dataclass(frozen=True)
class WeightsFiles:
    """The files of one backbone.

    Attributes:
        layout: as told or found.
        weights: one file, or all shards.
        record: the JSON beside them that describes them, where the layout has one.
    """

    layout: WeightsLayout
    weights: tuple[Path, ...]
    record: Path | None


def locate(path: Path, layout: WeightsLayout | None = None) -> WeightsFiles:
    """The weights at a path: a file, or the directory of a checkpoint or of a Hub repository.

    Args:
        path: where to look.
        layout: what it must be; None finds out.

    Raises:
        InputError: nothing of a known layout is there, or a shard index is broken.
    """
    if path.is_dir():
        file, found = _in_directory(path, layout)
    elif path.is_file():
        file, found = path, layout or _layout_of(path)
    else:
        raise invalid_weights(path, "the file does not exist")
    record = file.parent / RECORDS[found] if found in RECORDS else None
    if found is WeightsLayout.OURS and record is not None and not record.is_file():
        raise invalid_weights(record, "the file does not exist")
    return WeightsFiles(found, _shards(file), record if record and record.is_file() else None)


def _in_directory(directory: Path, layout: WeightsLayout | None) -> tuple[Path, WeightsLayout]:
    for candidate, places in PLACES.items():
        for place in places if layout in {None, candidate} else ():
            if (directory / place).is_file():
                return directory / place, candidate
    looked = [place for candidate, places in PLACES.items() if layout in {None, candidate} for place in places]
    raise invalid_weights(directory, f"holds none of {', '.join(looked)}")


def _layout_of(file: Path) -> WeightsLayout:
    if file.suffix in {".pt", ".pth"}:
        return WeightsLayout.STREAMING
    if file.name.endswith(INDEX_SUFFIX):
        return WeightsLayout.DIFFUSERS
    if file.name == "model.safetensors" and (file.parent / "model.json").is_file():
        return WeightsLayout.OURS
    if "t_embedder.linear_1.weight" in read_header(file):
        return WeightsLayout.DIFFUSERS
    return WeightsLayout.CHUNK_CAUSAL if "chunk_causal" in file.name else WeightsLayout.BIDIRECTIONAL


def _shards(file: Path) -> tuple[Path, ...]:
    """The files an index names, or the file itself."""
    if not file.name.endswith(INDEX_SUFFIX):
        return (file,)
    if file.stat().st_size > LARGEST_INDEX:
        raise invalid_weights(file, f"an index of {file.stat().st_size} bytes; at most {LARGEST_INDEX} are read")
    try:
        names = sorted(set(json.loads(file.read_text())["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise invalid_weights(file, "has no weight_map from tensors to files") from error
    if foreign := [name for name in names if not isinstance(name, str) or Path(name).name != name]:
        raise invalid_weights(file, f"names {foreign[0]!r}, which is not a file beside it")
    return tuple(file.parent / name for name in names)
