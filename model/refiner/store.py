"""A trained refiner on disk."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from data_contracts.errors import ErrorCode, InputError
from data_contracts.refiner import RefinerInfo
from model.refiner.transformer import RefinerConfig, build_refiner

INFO = "refiner.json"
MERGED = "merged.safetensors"


@dataclass(frozen=True)
class LoadedRefiner:
    """The merged transformer, in evaluation mode, and how to run it (``model.refiner.sampler.refine``)."""

    transformer: nn.Module
    info: RefinerInfo


def load_refiner(directory: Path) -> LoadedRefiner:
    """Read ``refiner.json`` and ``merged.safetensors``; every key must fit.

    Raises:
        InputError: a file is missing or broken, or the weights are not those of the architecture.
    """
    try:
        info = RefinerInfo.model_validate_json((directory / INFO).read_bytes())
        transformer = build_refiner(RefinerConfig(**info.architecture.model_dump()), seed=0)
        transformer.load_state_dict(load_file(directory / MERGED), strict=True)
    except (OSError, ValidationError, SafetensorError, RuntimeError) as error:
        raise InputError(
            ErrorCode.WEIGHTS_INVALID,
            f"the refiner in {directory.name} cannot be loaded: {error}",
            "run the refiner stage again (wm run --force refiner_lora)",
        ) from error
    return LoadedRefiner(transformer.eval(), info)
