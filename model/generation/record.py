"""The record of a video: everything that determined it, gathered from the request, the bundle and the machine."""

import hashlib
import platform
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
from numpy import ndarray

from data_contracts.errors import ErrorCode, InputError
from data_contracts.generation import InputRecord, RuntimeRecord, SamplingRecord, WeightsRecord
from model.generation.digests import file_digest
from model.generation.pipeline import WorldPipeline
from model.generation.placement import Placement
from model.generation.request import GenerationRequest
from model.generation.sampling import SamplingPlan

PACKAGES = ("sana-wm", "torch", "numpy", "pillow", "av", "diffusers")
"""Those whose arithmetic reaches the pixels of a video or the bytes of its file."""
UNREAD = frozenset({"bundle.json"})


def input_record(request: GenerationRequest, action: str | None, key_map: int | None) -> InputRecord:
    """What the user gave, as digests of what reaches the model."""
    return InputRecord(
        prompt=request.prompt,
        image="" if request.image is None else _array_digest(request.image),
        camera=_array_digest(request.camera_to_world.astype("<f8")),
        intrinsics=_array_digest(request.intrinsics.astype("<f8")),
        action=action,
        key_map=key_map,
        seed=request.seed,
    )


def sampling_record(plan: SamplingPlan) -> SamplingRecord:
    """The plan, written out."""
    return SamplingRecord(
        mode=plan.mode,
        sigmas=[round(sigma, 7) for sigma in plan.sigmas.tolist()],
        guidance=plan.guidance,
        chunk_starts=list(plan.layout.starts),
        cached_chunks=plan.window.chunks or 0,
        sink=plan.window.sink,
    )


def weights_record(bundle: Path, pipeline: WorldPipeline, *, refined: bool) -> WeightsRecord:
    """Digests of the bundle's files; those of the refiner only where it ran.

    Raises:
        InputError: ``bundle.json`` names other weights than lie beside it.
    """
    files = sorted(path for path in bundle.rglob("*") if path.is_file() and path.name not in UNREAD)
    names = {path.relative_to(bundle).as_posix(): path for path in files}
    digests = {name: file_digest(path) for name, path in names.items() if refined or "/" not in name}
    if (found := digests.get("model.safetensors")) != pipeline.info.version:
        raise InputError(
            ErrorCode.WEIGHTS_INVALID,
            f"model.safetensors in {bundle.name} has digest {str(found)[:12]}, bundle.json names "
            f"{pipeline.info.version[:12]}",
            "pass the bundle of a release, or release again",
        )
    return WeightsRecord(numerics=pipeline.card.numerics, files=digests)


def runtime_record(placement: Placement) -> RuntimeRecord:
    """The machine, as far as it decides bits."""
    cuda = placement.device.type == "cuda"
    versions = {name: _version(name) for name in PACKAGES}
    return RuntimeRecord(
        device=torch.cuda.get_device_name(placement.device) if cuda else f"cpu {platform.machine()}",
        precision=placement.precision.value,
        offload=placement.offload,
        threads=torch.get_num_threads(),
        versions={"python": platform.python_version(), **versions},
    )


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""  # an optional package that is not installed did not take part


def _array_digest(values: ndarray) -> str:
    described = f"{values.dtype.str}{values.shape}".encode()
    return hashlib.sha256(described + np.ascontiguousarray(values).tobytes()).hexdigest()
