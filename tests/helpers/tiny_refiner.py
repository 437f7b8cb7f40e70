"""A random refiner of a few thousand weights in the files that stage ``refiner_lora`` writes."""

from dataclasses import asdict
from pathlib import Path

from safetensors.torch import save_file

from data_contracts.files import write_record
from data_contracts.recipe import Preset
from data_contracts.refiner import RefinerArchitecture, RefinerInfo
from model.refiner.sampler import REFINER_SIGMAS
from model.refiner.store import INFO, MERGED
from model.refiner.transformer import RefinerConfig, build_refiner

SMALL = RefinerConfig(2, 12, 24, 1, 64, 2, 6, 12)


def write_tiny_refiner(directory: Path, seed: int = 0) -> Path:
    """``refiner.json`` and ``merged.safetensors`` for captions of 64 channels."""
    directory.mkdir(parents=True, exist_ok=True)
    weights = build_refiner(SMALL, seed).state_dict()
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, directory / MERGED)
    info = RefinerInfo(
        preset=Preset.TINY,
        architecture=RefinerArchitecture(**asdict(SMALL)),
        sigma_start=REFINER_SIGMAS[0],
        sigmas=list(REFINER_SIGMAS),
        reference_frames=1,
        frame_rate=16.0,
        rank=4,
        strength=1.0,
        merged={},
        untouched=len(weights),
        student_digest="0" * 64,
    )
    write_record(directory / INFO, info)
    return directory
