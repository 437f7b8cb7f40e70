"""What determines a video: everything the pipeline is told, and nothing else."""

import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from data_contracts.errors import ErrorCode, InputError
from data_contracts.wire import GenerationMode
from model.generation.camera_check import check_intrinsics, check_path
from model.generation.frame_count import MAX_RAW_FRAMES, STRIDE

__all__ = ["MAX_RAW_FRAMES", "STRIDE", "GenerationRequest", "check_request"]

SMALLEST_SIDE = 16


@dataclass(frozen=True)
class GenerationRequest:
    """One video to make.

    Attributes:
        image: RGB first frame at any size, at least 16 pixels a side; None = text alone.
        prompt: what the scene is.
        camera_to_world: OpenCV axes, metres, any world frame; 8k+1 frames.
        intrinsics: ``fx fy cx cy`` in pixels of ``image`` (of the model's size without an image).
        seed: of all noise.
        mode: how stage 1 is sampled.
        steps: denoising steps; None = the checkpoint's own schedule.
        refine: whether stage 2 runs.
    """

    image: UInt8[ndarray, "height width 3"] | None
    prompt: str
    camera_to_world: Float[ndarray, "frames 4 4"]
    intrinsics: Float[ndarray, "frames 4"]
    seed: int = 42
    mode: GenerationMode = GenerationMode.STREAMING
    steps: int | None = None
    refine: bool = False

    @property
    def raw_frames(self) -> int:
        """Frames of the video."""
        return len(self.camera_to_world)

    def digest(self) -> str:
        """SHA-256 of the request: equal digests and equal bundles give equal videos on one device class."""
        image = (
            b"" if self.image is None else np.ascontiguousarray(self.image).tobytes() + repr(self.image.shape).encode()
        )
        text = repr((self.prompt, self.seed, self.mode.value, self.steps, self.refine)).encode()
        cameras = np.ascontiguousarray(self.camera_to_world, dtype="<f8").tobytes()
        intrinsics = np.ascontiguousarray(self.intrinsics, dtype="<f8").tobytes()
        parts = (hashlib.sha256(part).digest() for part in (image, text, cameras, intrinsics))
        return hashlib.sha256(b"".join(parts)).hexdigest()


def check_request(request: GenerationRequest, size: tuple[int, int]) -> None:
    """Refuse what cannot be generated; ``size`` is the model's (height, width).

    Raises:
        InputError: the image, the camera path or the intrinsics cannot be used; the message names the value.
    """
    image = request.image
    if image is not None and (image.ndim != 3 or image.shape[2] != 3 or min(image.shape[:2]) < SMALLEST_SIDE):
        raise InputError(
            ErrorCode.REQUEST_INVALID,
            f"image has shape {image.shape}, must be RGB with at least {SMALLEST_SIDE} pixels a side",
            "send a larger PNG or JPEG",
        )
    check_path(request.camera_to_world)
    check_intrinsics(
        request.intrinsics, len(request.camera_to_world), size if image is None else (image.shape[0], image.shape[1])
    )
