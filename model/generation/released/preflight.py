"""What a released checkpoint's video will need, from headers and sizes: before anything is loaded."""

from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data_contracts.wire import GenerationMode
from model.checkpoints.header import read_header
from model.checkpoints.open_checkpoint import open_checkpoint
from model.codecs.causal_decoder.config import CausalDecoderConfig, read_config
from model.codecs.protocols import FRAME_STRIDE, SPACE_STRIDE, latent_frames
from model.codecs.strict_weights import invalid_weights
from model.generation.memory import FP32_BYTES, MemoryNeed, WeightSizes, memory_need
from model.generation.placement import Placement
from model.generation.preflight import BLOCKS
from model.generation.released.loading import side_dtype
from model.generation.released.parts import Part, ReleasedParts
from model.generation.released.settings import ReleasedRun, released_info
from model.generation.sampling import SamplingPlan, plan_sampling
from model.refiner.plan import BlockSizes
from model.refiner.released import is_audio
from model.refiner.released_files import read_library_config, weight_files

RESIDENT_BLOCKS = 2
"""Blocks of an offloaded refiner on the device: the one that runs and the next."""
REFINER_COPIES = 10
"""Token-wide tensors alive at the widest moment of a refiner block, beside the two of its feed-forward's width."""
FEED_FORWARD = 4
DECODER_COPIES = 6
"""Tensors of the decoder's last width alive at once: a residual block's, its norm's and the upsampling's."""
TILE_RAW_FRAMES = 96
TILE_PIXELS = 512


def released_need(
    parts: ReleasedParts, run: ReleasedRun, raw_frames: int, placement: Placement, *, refine: bool
) -> MemoryNeed:
    """Bytes on the device for one video.

    Raises:
        InputError: a part is missing, or a header or configuration is broken.
    """
    opened = open_checkpoint(parts.backbone)
    plan = plan_sampling(released_info(parts.backbone.layout, run, ""), run.mode, latent_frames(raw_frames), None)
    grid = (run.height // SPACE_STRIDE, run.width // SPACE_STRIDE)
    used = {key: opened.source.entries[name].values for key, name in opened.keys.used.items()}
    sizes = WeightSizes(
        backbone=sum(used.values()),
        blocks=sum(values for key, values in used.items() if key.startswith(BLOCKS)),
        refiner=_refiner_weights(parts, placement) if refine else 0,
        encoders=_vae_weights(parts, placement) + _visiting_text(parts, placement, refine=refine),
    )
    need = memory_need(opened.config, sizes, plan, grid, placement)
    decoding = _decoding(parts, run, plan, placement)
    if not refine:
        return replace(need, activations=max(need.activations, decoding))
    window, refining = _refining(parts, plan, grid[0] * grid[1], placement)
    return replace(need, refiner=need.refiner + window, activations=max(need.activations, refining, decoding))


class _RefinerSizes(BaseModel):
    """The fields of a refiner's ``config.json`` that decide its memory; absent ones are LTX-2's own."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    num_attention_heads: int = Field(default=32, ge=1)
    attention_head_dim: int = Field(default=128, ge=1)
    num_layers: int = Field(default=48, ge=1)


def _refiner_sizes(parts: ReleasedParts) -> _RefinerSizes:
    directory = parts.need(Part.REFINER)
    try:
        return _RefinerSizes.model_validate(read_library_config(directory))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise invalid_weights(
            directory / "config.json", f"field {field} is {first['input']!r}: {first['msg']}"
        ) from None


def _bytes(placement: Placement) -> int:
    return side_dtype(placement).itemsize


def _values(directory: Path) -> dict[str, int]:
    files = weight_files(directory)
    return {name: entry.values for file in files for name, entry in read_header(file).items()}


def _refiner_weights(parts: ReleasedParts, placement: Placement) -> int:
    values = {name: n for name, n in _values(parts.need(Part.REFINER)).items() if not is_audio(name)}
    total = sum(values.values())
    if placement.offload:
        blocks = sum(n for name, n in values.items() if name.startswith("transformer_blocks."))
        count = _refiner_sizes(parts).num_layers
        return (total - blocks + RESIDENT_BLOCKS * blocks // count) * _bytes(placement)
    return (total + sum(_values(parts.need(Part.CONNECTORS)).values())) * _bytes(placement)


def _vae_weights(parts: ReleasedParts, placement: Placement) -> int:
    directories = [parts.found[part] for part in (Part.VAE, Part.CAUSAL_VAE) if part in parts.found]
    return sum(sum(_values(directory).values()) for directory in directories) * _bytes(placement)


def _visiting_text(parts: ReleasedParts, placement: Placement, *, refine: bool) -> int:
    """The largest text model, which is on the device while it encodes; on a CPU all of them stay."""
    wanted = [Part.TEXT_ENCODER, *([Part.CAPTIONS] if refine else [])]
    sizes = [
        sum(entry.values for file in parts.need(part).glob("*.safetensors") for entry in read_header(file).values())
        for part in wanted
    ]
    if placement.device.type == "cpu":
        return sum(sizes) * FP32_BYTES
    return 0 if placement.offload else max(sizes) * _bytes(placement)


def _refining(parts: ReleasedParts, plan: SamplingPlan, cells: int, placement: Placement) -> tuple[int, int]:
    """Bytes of the window and of the widest moment of a pass."""
    refiner, sizes = _refiner_sizes(parts), BlockSizes()
    layers, hidden = refiner.num_layers, refiner.num_attention_heads * refiner.attention_head_dim
    streaming = plan.mode is GenerationMode.STREAMING
    tokens = (sizes.block if streaming else plan.layout.frames) * cells
    window = 2 * layers * (sizes.window + sizes.block) * cells * hidden * _bytes(placement) if streaming else 0
    return window, tokens * (2 * FEED_FORWARD + REFINER_COPIES) * hidden * _bytes(placement)


def _decoding(parts: ReleasedParts, run: ReleasedRun, plan: SamplingPlan, placement: Placement) -> int:
    """The decoder's widest tensors, and float32 pixels of what it decodes at once, twice."""
    config = CausalDecoderConfig.released()
    if Part.CAUSAL_VAE in parts.found:
        config = read_config(parts.found[Part.CAUSAL_VAE] / "config.json")
    streaming = plan.mode is GenerationMode.STREAMING
    latents = max(stop - start for start, stop in plan.layout.chunks) if streaming else plan.layout.frames
    pixels = latents * FRAME_STRIDE * run.height * run.width
    tile = pixels if streaming else min(pixels, TILE_RAW_FRAMES * TILE_PIXELS**2)
    wide = tile // config.patch**2 * config.block_channels[0] * _bytes(placement)
    return DECODER_COPIES * wide + 2 * 3 * FP32_BYTES * pixels
