"""Loading and saving checkpoints: strict in both directions, safetensors only."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from data_contracts.checkpoint import ArchitectureInfo, CheckpointInfo
from model.backbone import SanaWM
from model.checkpoints.layout import OURS, RELEASED, Dialect, map_keys
from model.checkpoints.problems import invalid_weights
from model.checkpoints.sizes import config_from_shapes
from model.config import BackboneConfig, Numerics, numerics_named

WEIGHTS = "model.safetensors"
INFO = "model.json"


def checkpoint_info(model: SanaWM, stage: str = "", parent_digest: str = "") -> CheckpointInfo:
    """The record of a model; ``model_copy(update=...)`` adds what only a stage knows."""
    return CheckpointInfo(
        stage=stage,
        architecture=architecture_info(model.config),
        numerics=model.numerics.name,
        parent_digest=parent_digest,
    )


def architecture_info(config: BackboneConfig) -> ArchitectureInfo:
    """The record of an architecture."""
    return ArchitectureInfo(**{**asdict(config), "softmax_blocks": list(config.softmax_blocks)})


def save_checkpoint(directory: Path, model: SanaWM, info: CheckpointInfo) -> None:
    """Write ``model.safetensors`` and ``model.json``, each whole or not at all; the same weights give the same bytes.

    Raises:
        ValueError: if ``info`` describes another architecture than the model's.
    """
    if backbone_config(info.architecture) != model.config:
        raise ValueError(f"info describes {info.architecture}, the model is {model.config}")
    directory.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.detach().contiguous().cpu() for name, tensor in model.state_dict().items()}
    write_atomically(directory / WEIGHTS, weights)
    scratch = directory / f".{INFO}.partial"
    scratch.write_text(info.model_dump_json(indent=2) + "\n")
    scratch.replace(directory / INFO)


def load_checkpoint(directory: Path) -> tuple[SanaWM, CheckpointInfo]:
    """The model of a directory, in evaluation mode on the CPU.

    Raises:
        InputError: if a file is missing or broken, a key is unknown or missing, or a shape differs.
    """
    info = read_info(directory / INFO)
    model = SanaWM(backbone_config(info.architecture), numerics_named(info.numerics))
    load_weights(model, read_weights(directory / WEIGHTS), directory / WEIGHTS, OURS)
    return model.eval(), info


def load_released(path: Path, numerics: Numerics) -> SanaWM:
    """A released safetensors file, its sizes read from its shapes.

    Raises:
        InputError: if the file is broken or is not in the released layout.
    """
    weights = read_weights(path)
    try:
        config = config_from_shapes({RELEASED.ours(name): tuple(tensor.shape) for name, tensor in weights.items()})
    except (KeyError, ValueError) as error:
        raise invalid_weights(path, f"not in the released layout: {error}") from error
    model = SanaWM(config, numerics)
    load_weights(model, weights, path)
    return model.eval()


def load_weights(model: SanaWM, weights: Mapping[str, Tensor], path: Path, dialect: Dialect = RELEASED) -> None:
    """Fill a model from named tensors: each name is used, known to be dead, or an error.

    Raises:
        InputError: naming the first keys that are unknown, missing or of another shape.
    """
    parameters = model.state_dict()
    keys = map_keys(weights, parameters, model.config.softmax_blocks, dialect)
    for problem, names in (("unknown", keys.unknown), ("missing", keys.missing)):
        if names:
            raise invalid_weights(path, f"{len(names)} keys are {problem}, first {', '.join(names[:3])}")
    for name, source in keys.used.items():
        if weights[source].shape != parameters[name].shape:
            shapes = f"{tuple(weights[source].shape)}, expected {tuple(parameters[name].shape)}"
            raise invalid_weights(path, f"key {source} has shape {shapes}")
    model.load_state_dict({name: weights[source] for name, source in keys.used.items()}, strict=True)


def read_info(path: Path) -> CheckpointInfo:
    """Parse ``model.json``.

    Raises:
        InputError: if it is not there or does not describe a checkpoint.
    """
    try:
        return CheckpointInfo.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise invalid_weights(path, "the file does not exist") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise invalid_weights(path, f"field {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def read_weights(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file.

    Raises:
        InputError: if the file is missing or broken.
    """
    try:
        return load_file(path)
    except FileNotFoundError as error:
        raise invalid_weights(path, "the file does not exist") from error
    except (SafetensorError, OSError) as error:
        raise invalid_weights(path, f"not a safetensors file: {error}") from error


def backbone_config(architecture: ArchitectureInfo) -> BackboneConfig:
    """The configuration a record describes."""
    sizes = architecture.model_dump()
    return BackboneConfig(**{**sizes, "softmax_blocks": tuple(sizes["softmax_blocks"])})


def write_atomically(path: Path, weights: dict[str, Tensor]) -> None:
    """A safetensors file, whole or not at all."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    scratch = Path(name)
    try:
        save_file(weights, scratch)
        scratch.chmod(0o644)
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
