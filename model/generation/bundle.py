"""Writing what ``WorldPipeline.load`` reads: weights, codec, text encoder, and how they are to be run."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from data_contracts.bundle import BundleInfo
from model.checkpoints.store import INFO, WEIGHTS, read_info
from model.flow.schedule import STREAMING_SIGMAS

ENCODER_FILES = ("codec.json", "codec.safetensors", "text_encoder.json", "null_text.safetensors")
BUNDLE_FILE = "bundle.json"
DEFAULT_CHUNK = 3


@dataclass(frozen=True)
class RunSettings:
    """How a checkpoint is run, apart from what it says itself.

    Attributes:
        height: of the video, pixels; ``width`` likewise.
        fps: frames per second.
        cached_chunks: chunks that softmax blocks keep, the sink included.
        sink: whether the first chunk is always among them.
        steps: of the bidirectional sampler, ``shift`` and ``guidance`` likewise.
    """

    height: int
    width: int
    fps: float
    cached_chunks: int
    sink: bool
    steps: int
    shift: float
    guidance: float


def write_bundle(destination: Path, checkpoint: Path, encoders: Path, run: RunSettings) -> BundleInfo:
    """Copy a checkpoint and its encoders into ``destination`` (made if it is not there) and describe them.

    The chunk size and the few-step schedule are those the checkpoint was trained with; one that names none takes the
    released ones.

    Raises:
        InputError: the checkpoint's record is missing or broken.
    """
    info = read_info(checkpoint / INFO)
    destination.mkdir(parents=True, exist_ok=True)
    for name in (WEIGHTS, INFO):
        shutil.copyfile(checkpoint / name, destination / name)
    for name in ENCODER_FILES:
        shutil.copyfile(encoders / name, destination / name)
    bundle = BundleInfo(
        version=_sha256(destination / WEIGHTS),
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
    )
    (destination / BUNDLE_FILE).write_text(bundle.model_dump_json(indent=1) + "\n")
    return bundle


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
