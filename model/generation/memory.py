"""What a video will need, in bytes by purpose, told from sizes alone: before anything is loaded.

Weights and the carried state are exact. Activations are an upper estimate of one block: a pass keeps little else alive.
"""

from dataclasses import dataclass
from pathlib import Path

import torch

from data_contracts.errors import ErrorCode, OperationError
from data_contracts.wire import GenerationMode
from model.codecs.protocols import FRAME_STRIDE, SPACE_STRIDE
from model.config import BackboneConfig
from model.generation.placement import Placement, Precision
from model.generation.sampling import SamplingPlan

FP32_BYTES = 4
GIB = 2**30
ATTENTION_COPIES = 24
"""Token-wide tensors alive at the widest moment of a mixer: q, k, v of a branch before and after norm and rotation."""
FEED_FORWARD_COPIES = 6
"""Tensors of twice the feed-forward's width: before and after SiLU, the depthwise convolution and its layouts."""
TABLES = 8 * 2**20
"""Rotary tables and other small things that do not grow with a video."""
RESIDUAL_COPIES = 5
"""Tokens, raymap, normalized tokens, a branch's output and their sum."""


@dataclass(frozen=True)
class MemoryNeed:
    """Bytes on the device, by purpose.

    Attributes:
        weights: of the backbone (under offload: what stays, and one block).
        refiner: weights of stage 2.
        encoders: weights of codec and text encoder.
        state: what a rollout carries.
        activations: of the largest pass, latents and conditions included.
        pictures: decoded frames of the largest chunk, where they share the device's memory.
    """

    weights: int
    refiner: int
    encoders: int
    state: int
    activations: int
    pictures: int

    @property
    def total(self) -> int:
        """All together; the parts are taken as alive at once."""
        return self.weights + self.refiner + self.encoders + self.state + self.activations + self.pictures

    def __str__(self) -> str:
        parts = {
            "weights": self.weights,
            "refiner": self.refiner,
            "codec and text": self.encoders,
            "carried state": self.state,
            "activations": self.activations,
            "pictures": self.pictures,
        }
        return ", ".join(f"{name} {value / GIB:.2f}" for name, value in parts.items() if value) + " GiB"


@dataclass(frozen=True)
class WeightSizes:
    """Parameters and bytes of what is to be loaded.

    Attributes:
        backbone: parameters in all.
        blocks: of them, those in the blocks.
        refiner: bytes as loaded; 0 = none.
        encoders: bytes as loaded.
    """

    backbone: int
    blocks: int
    refiner: int
    encoders: int


def memory_need(
    config: BackboneConfig, sizes: WeightSizes, plan: SamplingPlan, grid: tuple[int, int], placement: Placement
) -> MemoryNeed:
    """What one video needs on the device of ``placement``.

    Args:
        config: sizes of the backbone.
        sizes: of the weights.
        plan: of the video.
        grid: height and width of the latent grid.
        placement: precision and offload.
    """
    width = FP32_BYTES if placement.precision is Precision.FP32 else 2
    resident = sizes.backbone
    if placement.offload:
        resident -= sizes.blocks - sizes.blocks // config.depth
    streaming = plan.mode is GenerationMode.STREAMING
    return MemoryNeed(
        weights=resident * width,
        refiner=sizes.refiner,
        encoders=sizes.encoders,
        state=state_bytes(config, plan, grid, width) if streaming else 0,
        activations=_activations(config, plan, grid, width),
        pictures=_pictures(plan, grid) if placement.device.type == "cpu" else 0,
    )


def state_bytes(config: BackboneConfig, plan: SamplingPlan, grid: tuple[int, int], width: int) -> int:
    """Bytes of ``RolloutState`` once the window is full, for one sample.

    Args:
        config: sizes of the backbone.
        plan: its layout and window.
        grid: height and width of the latent grid.
        width: bytes of a token's value.
    """
    space, branches = grid[0] * grid[1], 2 if config.camera_branch else 1
    tail = space * config.hidden * width
    matrices = config.heads * config.head_dim**2
    normalizer = config.heads * config.head_dim
    scan = (branches * matrices + normalizer) * FP32_BYTES + branches * (config.conv_taps - 1) * tail
    softmax = 2 * branches * _cached_frames(plan) * tail
    attending = len(config.softmax_blocks)
    return (config.depth - attending) * scan + attending * softmax + config.depth * tail


def free_bytes(device: torch.device) -> int:
    """Memory that is free now, on the GPU, or what the system says is available on the host.

    Raises:
        OperationError: the system does not say.
    """
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise OperationError(
        ErrorCode.MEMORY_SHORT, "/proc/meminfo has no MemAvailable", "run on Linux, or pass --no-preflight"
    )


def demand_memory(need: MemoryNeed, free: int, what: str) -> None:
    """Refuse what does not fit.

    Raises:
        OperationError: naming every part, what is free, and what would need less.
    """
    if need.total <= free:
        return
    raise OperationError(
        ErrorCode.MEMORY_SHORT,
        f"{what} needs {need.total / GIB:.2f} GiB ({need}), free are {free / GIB:.2f} GiB",
        "fewer --frames, --mode streaming, --precision bf16, --offload or --no-refine need less",
    )


def _cached_frames(plan: SamplingPlan) -> int:
    lengths = [stop - start for start, stop in plan.layout.chunks]
    kept = plan.window.chunks
    if kept is None or kept >= len(lengths):
        return sum(lengths)
    if not plan.window.sink:
        return max(sum(lengths[last : last + kept]) for last in range(len(lengths) - kept + 1))
    return lengths[0] + (kept - 1) * max(lengths[1:])


def _pictures(plan: SamplingPlan, grid: tuple[int, int]) -> int:
    """Float32 video twice (as decoded and while it is rounded) and once in bytes."""
    streaming = plan.mode is GenerationMode.STREAMING
    latent_frames = max(stop - start for start, stop in plan.layout.chunks) if streaming else plan.layout.frames
    pixels = latent_frames * FRAME_STRIDE * grid[0] * grid[1] * SPACE_STRIDE**2
    return pixels * 3 * (2 * FP32_BYTES + 1)


def _activations(config: BackboneConfig, plan: SamplingPlan, grid: tuple[int, int], width: int) -> int:
    tokens = plan.largest_pass * grid[0] * grid[1]
    attention = ATTENTION_COPIES * config.hidden * FP32_BYTES
    fed = FEED_FORWARD_COPIES * 2 * config.feed_forward * width
    cells = plan.layout.frames * grid[0] * grid[1]
    latents = cells * (3 * config.latent_channels + config.plucker_channels) * FP32_BYTES
    return tokens * (max(attention, fed) + RESIDUAL_COPIES * config.hidden * width) + latents + TABLES
