"""What a server loads besides the weights: ``bundle.json`` of a bundle directory."""

from enum import StrEnum

from pydantic import Field

from data_contracts.base import Record


class PixelOrigin(StrEnum):
    """Where pixel coordinates count from. A resize by s maps x to s x only when corners are at integers.

    ``center``: pixel centers at integers, the middle of an image is (width - 1) / 2; this project's corpus. ``corner``:
    pixel corners at integers, the middle is width / 2; the released checkpoints.
    """

    CENTER = "center"
    CORNER = "corner"


class BundleInfo(Record):
    """How the checkpoint in this bundle is to be run. Sizes are pixels; everything that decides a video stands here.

    ``version`` is the SHA-256 of ``model.safetensors``. ``streaming_sigmas`` are the noise levels of the few-step
    student, 1 downwards, without the closing 0; ``steps``, ``shift`` and ``guidance`` are those of the bidirectional
    sampler, and of the teacher's. ``pixel_origin`` is that of the intrinsics it was trained on.
    """

    version: str
    height: int = Field(ge=32)
    width: int = Field(ge=32)
    fps: float = Field(gt=0)
    chunk_frames: int = Field(ge=1)
    cached_chunks: int = Field(ge=1)
    sink: bool
    streaming_sigmas: list[float]
    steps: int = Field(ge=1)
    shift: float = Field(gt=0)
    guidance: float = Field(ge=1)
    pixel_origin: PixelOrigin = PixelOrigin.CENTER
