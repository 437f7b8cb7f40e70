"""Writing what ``WorldPipeline.load`` reads: weights, codec, text encoder, and how they are to be run."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from data_contracts.bundle import BundleInfo, PixelOrigin
from data_contracts.errors import ErrorCode, InputError
from model.checkpoints.store import INFO, WEIGHTS, read_info
from model.flow.schedule import STREAMING_SIGMAS
from model.generation.digests import file_digest
from model.refiner.store import INFO as REFINER_INFO
from model.refiner.store import MERGED

ENCODER_FILES = ("codec.json", "codec.safetensors", "text_encoder.json", "null_text.safetensors")
BUNDLE_FILE = "bundle.json"
REFINER_DIRECTORY = "refiner"
DEFAULT_CHUNK = 3


@dataclass(frozen=True)
class RunSettings:
    """How a checkpoint is run, apart from what it says itself.

    Attributes:
        height: of the video, pixels; ``width`` likewise.
        fps: frames per second.
        cached_chunks: chunks that softmax blocks keep, the sink included.
        sink: whether the first chunk is always among them.
        steps: of the bidirectional sampler and the teacher's, ``shift`` and ``guidance`` likewise.
        pixel_origin: of the intrinsics the checkpoint was trained on.
    """

    height: int
    width: int
    fps: float
    cached_chunks: int
    sink: bool
    steps: int
    shift: float
    guidance: float
    pixel_origin: PixelOrigin = PixelOrigin.CENTER


def write_bundle(
    destination: Path, checkpoint: Path, encoders: Path, run: RunSettings, refiner: Path | None = None
) -> BundleInfo:
    """Copy a checkpoint, its encoders and, if there is one, its trained refiner into ``destination``; describe them.

    The chunk size and the few-step schedule are those the checkpoint was trained with; one that names none takes the
    released ones. Of the refiner, ``refiner.json`` and ``merged.safetensors`` are taken. ``destination`` is made if it
    is not there.

    Raises:
        InputError: the checkpoint's record is missing or broken.
    """
    info = read_info(checkpoint / INFO)
    destination.mkdir(parents=True, exist_ok=True)
    for name in (WEIGHTS, INFO):
        shutil.copyfile(checkpoint / name, destination / name)
    for name in ENCODER_FILES:
        shutil.copyfile(encoders / name, destination / name)
    if refiner is not None:
        (destination / REFINER_DIRECTORY).mkdir(exist_ok=True)
        for name in (REFINER_INFO, MERGED):
            shutil.copyfile(refiner / name, destination / REFINER_DIRECTORY / name)
    bundle = BundleInfo(
        version=file_digest(destination / WEIGHTS),
        height=run.height,
        width=run.width,
        fps=run.fps,
        chunk_frames=info.chunk_frames or DEFAULT_CHUNK,
        cached_chunks=run.cached_chunks,
        sink=run.sink,
        streaming_sigmas=list(info.sigmas or STREAMING_SIGMAS),
        steps=run.steps,
        shift=run.shift,
        guidance=run.guidance,
        pixel_origin=run.pixel_origin,
    )
    (destination / BUNDLE_FILE).write_text(bundle.model_dump_json(indent=1) + "\n")
    return bundle


def read_bundle_info(bundle: Path) -> BundleInfo:
    """``bundle.json`` of a bundle directory.

    Raises:
        InputError: it is missing or broken.
    """
    try:
        return BundleInfo.model_validate_json((bundle / BUNDLE_FILE).read_bytes())
    except (OSError, ValidationError) as error:
        message = f"{BUNDLE_FILE} in {bundle.name} cannot be used: {str(error).splitlines()[0]}"
        raise InputError(ErrorCode.WEIGHTS_INVALID, message, "pass the bundle of a release") from None
