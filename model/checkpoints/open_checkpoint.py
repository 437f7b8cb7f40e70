"""Any layout, opened: its sizes, what it says of itself, and its tensors under our names."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor

from data_contracts.checkpoint import CheckpointInfo
from data_contracts.weights import WeightsLayout
from model.backbone import SanaWM
from model.checkpoints.header import TensorEntry
from model.checkpoints.layout import DIALECTS, Dialect, KeyMap, map_keys
from model.checkpoints.locate import WeightsFiles
from model.checkpoints.problems import invalid_weights
from model.checkpoints.sizes import config_from_shapes
from model.checkpoints.source import WeightsSource, open_weights
from model.checkpoints.store import backbone_config, read_info
from model.config import BackboneConfig, Numerics, numerics_named, v2
from model.flow.schedule import STREAMING_SIGMAS

CHUNK_FRAMES = 3  # of the released teacher and student
NUMERICS: Mapping[WeightsLayout, str] = {WeightsLayout.DIFFUSERS: "diffusers"}
"""Profile of a layout that does not state one; v2 for all others (``model_spec.md`` section 0)."""


@dataclass(frozen=True)
class OpenCheckpoint:
    """Weights whose headers were read and whose keys were sorted out; tensors are read on demand.

    Attributes:
        files: what was opened.
        config: sizes, from ``model.json`` or from the shapes.
        info: the ``model.json`` of our layout; None elsewhere.
        source: tensors by the names of the file.
        keys: how those names meet the network.
    """

    files: WeightsFiles
    config: BackboneConfig
    info: CheckpointInfo | None
    source: WeightsSource
    keys: KeyMap

    @property
    def dialect(self) -> Dialect:
        """Its names."""
        return DIALECTS[self.files.layout]

    @property
    def numerics(self) -> str:
        """The profile it states, or that of its layout."""
        return self.info.numerics if self.info else NUMERICS.get(self.files.layout, "v2")

    @property
    def chunk_frames(self) -> int:
        """Latent frames of a chunk it was trained with; 0 = bidirectional."""
        if self.info:
            return self.info.chunk_frames
        causal = {WeightsLayout.CHUNK_CAUSAL, WeightsLayout.STREAMING}
        return CHUNK_FRAMES if self.files.layout in causal else 0

    @property
    def sigmas(self) -> tuple[float, ...]:
        """The few-step schedule of a student; empty otherwise."""
        if self.info:
            return tuple(self.info.sigmas)
        return STREAMING_SIGMAS if self.files.layout is WeightsLayout.STREAMING else ()

    def unused(self) -> dict[str, Tensor]:
        """Tensors no forward pass reads, by our names."""
        return {self.dialect.ours(name): self.source.read(name) for name in self.keys.dead}

    def parameters(self) -> dict[str, Tensor]:
        """Every parameter of the network, by our names.

        Raises:
            InputError: a key is unknown or missing, or a shape differs.
        """
        path, shapes = self.files.weights[0], expected_shapes(self.config)
        for problem, names in (("unknown", self.keys.unknown), ("missing", self.keys.missing)):
            if names:
                raise invalid_weights(path, f"{len(names)} keys are {problem}, first {', '.join(names[:3])}")
        for key, name in self.keys.used.items():
            if (held := self.source.entries[name].shape) != shapes[key]:
                raise invalid_weights(path, f"key {name} has shape {held}, expected {shapes[key]}")
        return {key: self.source.read(name) for key, name in sorted(self.keys.used.items())}

    def model(self, numerics: Numerics | None = None) -> SanaWM:
        """The network in evaluation mode on the CPU, its parameters float32 and its own.

        Raises:
            InputError: a key is unknown or missing, or a shape differs.
        """
        weights = {key: tensor.float().clone() for key, tensor in self.parameters().items()}
        with torch.device("meta"):
            model = SanaWM(self.config, numerics or numerics_named(self.numerics))
        model.load_state_dict(weights, strict=True, assign=True)
        return model.eval()


def open_checkpoint(files: WeightsFiles) -> OpenCheckpoint:
    """Read headers and sort the keys; no tensor is read.

    Raises:
        InputError: a file is broken, or the sizes of a network cannot be told from it.
    """
    source = open_weights(files.weights)
    info = read_info(files.record) if files.layout is WeightsLayout.OURS and files.record else None
    dialect = DIALECTS[files.layout]
    config = backbone_config(info.architecture) if info else _implied(files.weights[0], source.entries, dialect)
    keys = map_keys(source.entries, expected_shapes(config), config.softmax_blocks, dialect)
    return OpenCheckpoint(files, config, info, source, keys)


@cache
def expected_shapes(config: BackboneConfig) -> Mapping[str, tuple[int, ...]]:
    """Our name -> shape of every parameter of a network."""
    with torch.device("meta"):
        parameters = SanaWM(config, v2()).state_dict()
    return MappingProxyType({name: tuple(tensor.shape) for name, tensor in parameters.items()})


def _implied(path: Path, entries: Mapping[str, TensorEntry], dialect: Dialect) -> BackboneConfig:
    try:
        return config_from_shapes({dialect.ours(name): entry.shape for name, entry in entries.items()})
    except (KeyError, ValueError) as error:
        raise invalid_weights(path, f"not the weights of a backbone: {error.args[0]}") from error
