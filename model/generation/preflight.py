"""What a bundle's video will need, told from headers and sizes before anything is loaded."""

from pathlib import Path

import torch

from data_contracts.bundle import BundleInfo
from data_contracts.wire import GenerationMode
from model.checkpoints.header import read_header
from model.checkpoints.store import INFO, WEIGHTS, backbone_config, read_info
from model.codecs.protocols import SPACE_STRIDE, latent_frames
from model.generation.bundle import ENCODER_FILES, REFINER_DIRECTORY
from model.generation.memory import FP32_BYTES, MemoryNeed, WeightSizes, demand_memory, free_bytes, memory_need
from model.generation.placement import Placement
from model.generation.sampling import plan_sampling
from model.refiner.store import MERGED

BLOCKS = "blocks."
HOST = torch.device("cpu")


def bundle_need(
    bundle: Path, info: BundleInfo, mode: GenerationMode, raw_frames: int, placement: Placement, *, refine: bool
) -> MemoryNeed:
    """Bytes a video of ``raw_frames`` frames needs on the device of ``placement``.

    Raises:
        InputError: a file of the bundle is missing or broken.
    """
    config = backbone_config(read_info(bundle / INFO).architecture)
    plan = plan_sampling(info, mode, latent_frames(raw_frames), None)
    grid = (info.height // SPACE_STRIDE, info.width // SPACE_STRIDE)
    return memory_need(config, weight_sizes(bundle, refine=refine), plan, grid, placement)


def weight_sizes(bundle: Path, *, refine: bool) -> WeightSizes:
    """Parameters and bytes by the headers of a bundle's files.

    Raises:
        InputError: a header is missing or broken.
    """
    backbone = read_header(bundle / WEIGHTS)
    refiner = read_header(bundle / REFINER_DIRECTORY / MERGED) if refine else {}
    return WeightSizes(
        backbone=sum(entry.values for entry in backbone.values()),
        blocks=sum(entry.values for name, entry in backbone.items() if name.startswith(BLOCKS)),
        refiner=sum(entry.values for entry in refiner.values()) * FP32_BYTES,
        encoders=sum((bundle / name).stat().st_size for name in ENCODER_FILES if (bundle / name).exists()),
    )


def demand_bundle_memory(need: MemoryNeed, placement: Placement, bundle: Path, what: str) -> None:
    """Refuse a video that does not fit the device, or weights that do not fit the host where they stay there.

    Raises:
        OperationError: naming parts, what is free, and what would need less.
    """
    demand_memory(need, free_bytes(placement.device), what)
    if placement.offload:
        sizes = weight_sizes(bundle, refine=False)
        width = torch.empty(0, dtype=placement.precision.dtype).element_size()
        stays = MemoryNeed(sizes.blocks * width, 0, 0, 0, 0, 0)
        demand_memory(stays, free_bytes(HOST), f"{what}, with its blocks in host memory,")
