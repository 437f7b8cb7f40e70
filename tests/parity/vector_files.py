"""A directory of recorded vectors: found by listing its JSONs, every size and setting read from them."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from model.causal import ChunkLayout

WEIGHT_PREFIX = "sd."


@dataclass(frozen=True)
class VectorFile:
    """One ``NAME.json`` and the tensors beside it."""

    path: Path
    meta: dict[str, Any]

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def kind(self) -> str:
        return self.meta["kind"]

    @property
    def profiles(self) -> tuple[str, ...]:
        """Profiles for which the recorded values hold."""
        profile = self.meta.get("profile", "any")
        return tuple(self.meta.get("valid_for_profiles", ["v2" if profile == "any" else profile]))

    @property
    def config(self) -> dict[str, Any]:
        return self.meta.get("config", {})

    @property
    def recorded(self) -> list[str]:
        """Names of the tensors in this very file that are not weights."""
        return [name for name in self.meta.get("tensors", {}) if not name.startswith(WEIGHT_PREFIX)]

    @cached_property
    def own(self) -> dict[str, Tensor]:
        return load_file(self.path.with_suffix(".safetensors")) if self.recorded else {}

    @cached_property
    def weights(self) -> dict[str, Tensor]:
        """The ``sd.*`` tensors without their prefix, from the file that holds them."""
        return _weights_of(self.path.parent, self.meta.get("weights_from", self.name))

    @cached_property
    def inputs(self) -> dict[str, Tensor]:
        """Input tensors by name: this file's own, else those of ``inputs_from``, else those beside the weights."""
        found: dict[str, Tensor] = {}
        for source in (self.meta.get("weights_from"), self.meta.get("inputs_from")):
            if source is not None:
                found |= _tensors_of(self.path.parent, source)
        return found | self.own

    def layout_starts(self, frames: int) -> tuple[int, ...]:
        """Chunk starts of the configured mode, without the end."""
        if self.config.get("mode") == "bidirectional":
            return (0,)
        return chunk_starts(self.config, frames)


def chunk_starts(settings: dict[str, Any], frames: int) -> tuple[int, ...]:
    """Starts as listed, else as the chunk size says, else one chunk."""
    if "chunk_index" in settings:
        return tuple(start for start in settings["chunk_index"] if start < frames)
    if "chunk_size" in settings:
        return ChunkLayout.first_plus_one(frames, settings["chunk_size"]).starts
    return (0,)


def list_vectors(directory: Path) -> list[VectorFile]:
    """Every JSON with a kind, by name; plain key maps are skipped."""
    files = []
    for path in sorted(directory.glob("*.json")):
        meta = json.loads(path.read_text())
        if isinstance(meta, dict) and isinstance(meta.get("kind"), str):
            files.append(VectorFile(path, meta))
    return files


def _weights_of(directory: Path, name: str) -> dict[str, Tensor]:
    with safe_open(directory / f"{name}.safetensors", framework="pt") as file:
        names = [key for key in file.keys() if key.startswith(WEIGHT_PREFIX)]  # noqa: SIM118 - not a mapping
        return {key.removeprefix(WEIGHT_PREFIX): file.get_tensor(key) for key in names}


def _tensors_of(directory: Path, name: str) -> dict[str, Tensor]:
    tensors = load_file(directory / f"{name}.safetensors")
    return {key: tensor for key, tensor in tensors.items() if not key.startswith(WEIGHT_PREFIX)}


def relative_rms(value: Tensor, expected: Tensor) -> float:
    """``rms(value - expected) / rms(expected)`` in float32; the plain rms where the expected values are all zero."""
    error = (value.float() - expected.float()).square().mean().sqrt()
    size = expected.float().square().mean().sqrt()
    ratio = error / size if size > 0 else error
    return float(torch.nan_to_num(ratio, nan=float("inf")))
