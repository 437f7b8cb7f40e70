"""From the parts of a released checkpoint to a pipeline, and the digests of all it was loaded from."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from data_contracts.errors import ErrorCode, InputError
from data_contracts.wire import GenerationMode
from model.checkpoints.open_checkpoint import open_checkpoint
from model.codecs.causal_decoder.weights import load_causal_decoder
from model.codecs.gemma import Gemma2TextEncoder, load_gemma2, read_instruction
from model.codecs.gemma3 import load_gemma3
from model.codecs.ltx2_vae import Tiling, load_ltx2_encoder, load_ltx2_vae
from model.codecs.protocols import LatentEncoder
from model.codecs.streaming import CausalChunks, IndependentChunks
from model.compiled import compile_blocks
from model.config import BackboneConfig, numerics_named
from model.generation.digests import file_digest
from model.generation.pipeline import Encoders, WorldPipeline
from model.generation.placement import Placement, place
from model.generation.released.parts import REFINER_PARTS, Part, ReleasedParts
from model.generation.released.refiner import VideoStreamRefiner
from model.generation.released.settings import FRAME_RATE, ReleasedRun, released_info
from model.refiner.block_weights import BlockWeights, CompiledBlocks, OffloadedBlocks
from model.refiner.caption_features import RefinerTextEncoder, load_connectors
from model.refiner.plan import BlockSizes, RefinerPlan
from model.refiner.released import load_released_refiner
from model.refiner.video_stream import VideoStream, video_blocks

HOST = torch.device("cpu")
HASHING_THREADS = 8
WHOLE_CLIP = (GenerationMode.BIDIRECTIONAL, GenerationMode.TEACHER)
BLOCKS = "transformer_blocks"


def load_released(
    parts: ReleasedParts, run: ReleasedRun, placement: Placement, digests: Mapping[str, str], *, refine: bool
) -> WorldPipeline:
    """The pipeline of a released checkpoint.

    The backbone runs in the precision of ``placement``; everything else in bfloat16 on a GPU and in float32 without
    one. Text models stay in host memory and visit the GPU for each prompt; with offload they compute on the CPU, and
    the refiner's blocks visit one by one.

    Args:
        parts: of ``find_parts``.
        run: what the caller chose.
        placement: of the backbone.
        digests: of ``released_digests``.
        refine: whether stage 2 is loaded.

    Raises:
        InputError: a part is missing, a file is broken, or parts do not fit each other.
    """
    opened = open_checkpoint(parts.backbone)
    encoders = _encoders(parts, run, placement, opened.config)
    refiner = _refiner(parts, run, placement) if refine else None
    model = opened.model(numerics_named(run.numerics) if run.numerics else None)
    place(model, placement)
    if run.compiled:
        compile_blocks(model)
    info = released_info(parts.backbone.layout, run, backbone_version(parts, digests))
    return WorldPipeline(model, encoders, info, parts.searched[0].name, placement, refiner)


def used_files(parts: ReleasedParts, *, refine: bool) -> dict[str, Path]:
    """Every file the pipeline may read, by part and name."""
    files = {f"backbone/{file.name}": file for file in parts.backbone.weights}
    for part, where in sorted(parts.found.items()):
        if refine or part not in REFINER_PARTS:
            files |= {f"{part.name.lower()}/{file.name}": file for file in _files_of(where)}
    return files


def released_digests(parts: ReleasedParts, *, refine: bool) -> dict[str, str]:
    """SHA-256 of ``used_files``; several are read at a time."""
    files = used_files(parts, refine=refine)
    with ThreadPoolExecutor(HASHING_THREADS) as pool:
        return dict(zip(files, pool.map(file_digest, files.values()), strict=True))


def backbone_version(parts: ReleasedParts, digests: Mapping[str, str]) -> str:
    """What the pipeline is versioned by: the digest of the backbone's first file."""
    return digests[f"backbone/{parts.backbone.weights[0].name}"]


def side_dtype(placement: Placement) -> torch.dtype:
    """Type of everything but the backbone."""
    return torch.bfloat16 if placement.device.type == "cuda" else torch.float32


def text_device(placement: Placement) -> torch.device:
    """Where text models compute."""
    return HOST if placement.offload else placement.device


def _files_of(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
        return
    yield from sorted(file for file in place.iterdir() if file.is_file())


def _encoders(parts: ReleasedParts, run: ReleasedRun, placement: Placement, config: BackboneConfig) -> Encoders:
    dtype = side_dtype(placement)
    instruction = read_instruction(parts.need(Part.INSTRUCTION))
    text = load_gemma2(parts.need(Part.TEXT_ENCODER), instruction, dtype, text_device(placement))
    _check_caption(text, config)
    causal = Part.CAUSAL_VAE in parts.found and (run.mode is GenerationMode.STREAMING or Part.VAE not in parts.found)
    null = text.encode([""])
    if causal:
        decoder = load_causal_decoder(parts.found[Part.CAUSAL_VAE], dtype, placement.device)
        decoder = decoder.compiled() if run.compiled else decoder
        return Encoders(
            _first_frame(parts, placement), text, null, lambda: CausalChunks(decoder), str(placement.device)
        )
    vae = load_ltx2_vae(parts.need(Part.VAE), _tiling(run), dtype, placement.device)
    return Encoders(vae, text, null, lambda: IndependentChunks(vae), str(placement.device), WHOLE_CLIP)


def _first_frame(parts: ReleasedParts, placement: Placement) -> LatentEncoder:
    directory = parts.found.get(Part.VAE, parts.found[Part.CAUSAL_VAE])
    return load_ltx2_encoder(directory, side_dtype(placement), placement.device)


def _tiling(run: ReleasedRun) -> Tiling:
    try:
        return Tiling.of_size(run.height, run.width)
    except ValueError as error:
        raise InputError(ErrorCode.REQUEST_INVALID, f"--size: {error}", "pass another size, as 704x1280") from error


def _check_caption(text: Gemma2TextEncoder, config: BackboneConfig) -> None:
    if text.channels != config.caption_channels:
        raise InputError(
            ErrorCode.WEIGHTS_INVALID,
            f"the text encoder has {text.channels} channels, the backbone reads {config.caption_channels}",
            "pass the text encoder the checkpoint was trained with (gemma-2-2b-it)",
        )


def _refiner(parts: ReleasedParts, run: ReleasedRun, placement: Placement) -> VideoStreamRefiner:
    dtype = side_dtype(placement)
    connectors = load_connectors(parts.need(Part.CONNECTORS), dtype).to(text_device(placement))
    states = load_gemma3(parts.need(Part.CAPTIONS), dtype, text_device(placement))
    network = load_released_refiner(parts.need(Part.REFINER), dtype)
    stream = VideoStream(network, _placed_blocks(network, run, placement))
    sizes = BlockSizes() if run.mode is GenerationMode.STREAMING else None
    return VideoStreamRefiner(stream, RefinerTextEncoder(states, connectors), RefinerPlan(FRAME_RATE), sizes)


def _placed_blocks(network: torch.nn.Module, run: ReleasedRun, placement: Placement) -> BlockWeights | None:
    """Move what the video stream reads to the device; the audio weights stay on the meta device."""
    blocks = video_blocks(network)
    for parameter, home in _read(network, offload=placement.offload):
        parameter.data = home.to(placement.device)
    if placement.offload:
        return OffloadedBlocks(blocks, placement.device)
    return CompiledBlocks(blocks) if run.compiled else None


def _read(network: torch.nn.Module, *, offload: bool) -> Iterator[tuple[torch.nn.Parameter, torch.Tensor]]:
    for name, parameter in network.named_parameters():
        if not parameter.is_meta and not (offload and name.startswith(BLOCKS)):
            yield parameter, parameter.data
