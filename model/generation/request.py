"""What determines a video: everything the pipeline is told, and nothing else."""

import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from data_contracts.errors import ErrorCode, InputError
from data_contracts.wire import GenerationMode

MAX_RAW_FRAMES = 961
STRIDE = 8
FOV_RANGE = (25.0, 120.0)


@dataclass(frozen=True)
class GenerationRequest:
    """One video to make.

    Attributes:
        image: RGB first frame at any size, at least 16 pixels a side; None = text alone.
        prompt: what the scene is.
        camera_to_world: OpenCV axes, metres, any world frame; 8k+1 frames.
        intrinsics: ``fx fy cx cy`` in pixels of ``image`` (of the model's size without an image).
        seed: of all noise.
        mode: all frames together, or chunk after chunk.
        steps: denoising steps; None = the checkpoint's own schedule.
    """

    image: UInt8[ndarray, "height width 3"] | None
    prompt: str
    camera_to_world: Float[ndarray, "frames 4 4"]
    intrinsics: Float[ndarray, "frames 4"]
    seed: int = 42
    mode: GenerationMode = GenerationMode.STREAMING
    steps: int | None = None

    @property
    def raw_frames(self) -> int:
        """Frames of the video."""
        return len(self.camera_to_world)

    def digest(self) -> str:
        """SHA-256 of the request: equal digests and equal bundles give equal videos on one device class."""
        image = (
            b"" if self.image is None else np.ascontiguousarray(self.image).tobytes() + repr(self.image.shape).encode()
        )
        text = repr((self.prompt, self.seed, self.mode.value, self.steps)).encode()
        cameras = np.ascontiguousarray(self.camera_to_world, dtype="<f8").tobytes()
        intrinsics = np.ascontiguousarray(self.intrinsics, dtype="<f8").tobytes()
        parts = (hashlib.sha256(part).digest() for part in (image, text, cameras, intrinsics))
        return hashlib.sha256(b"".join(parts)).hexdigest()


def check_request(request: GenerationRequest, size: tuple[int, int]) -> None:
    """Refuse what cannot be generated; ``size`` is the model's (height, width).

    Raises:
        InputError: the image, the camera path or the intrinsics cannot be used; the message names the value.
    """
    _check_image(request.image)
    path, intrinsics = request.camera_to_world, request.intrinsics
    if path.ndim != 3 or path.shape[1:] != (4, 4):
        raise _camera(f"camera_to_world has shape {path.shape}, must be (frames, 4, 4)")
    if not 9 <= len(path) <= MAX_RAW_FRAMES or (len(path) - 1) % STRIDE:
        raise _camera(f"camera_to_world has {len(path)} frames, must be 8k+1 and 9 to {MAX_RAW_FRAMES}")
    if not np.isfinite(path).all():
        raise _camera(
            f"camera_to_world: frame {_first_bad(np.isfinite(path.reshape(len(path), -1)).all(axis=-1))} is not finite"
        )
    rotations = path[:, :3, :3]
    rigid = np.abs(rotations @ np.swapaxes(rotations, 1, 2) - np.eye(3)).max(axis=(1, 2)) < 1e-3
    rigid &= (np.linalg.det(rotations) > 0) & (np.abs(path[:, 3] - [0, 0, 0, 1]).max(axis=1) < 1e-6)
    if not rigid.all():
        raise _camera(f"camera_to_world: frame {_first_bad(rigid)} is not a rigid motion")
    if intrinsics.shape != (len(path), 4):
        raise _camera(f"intrinsics have shape {intrinsics.shape}, must be ({len(path)}, 4)")
    _check_fov(intrinsics, size if request.image is None else request.image.shape[:2])


def _check_image(image: UInt8[ndarray, "height width 3"] | None) -> None:
    if image is not None and (image.ndim != 3 or image.shape[2] != 3 or min(image.shape[:2]) < 16):
        raise InputError(
            ErrorCode.REQUEST_INVALID,
            f"image has shape {image.shape}, must be RGB with at least 16 pixels a side",
            "send a larger PNG or JPEG",
        )


def _check_fov(intrinsics: Float[ndarray, "frames 4"], size: tuple[int, ...]) -> None:
    """Both fields of view within 25..120 degrees (App. B.3), on every frame."""
    if not np.isfinite(intrinsics).all() or (intrinsics[:, :2] <= 0).any():
        raise _camera("intrinsics must be finite with positive focal lengths")
    views = np.degrees(2 * np.arctan(np.array([size[1], size[0]]) / (2 * intrinsics[:, :2])))
    if views.min() < FOV_RANGE[0] or views.max() > FOV_RANGE[1]:
        raise _camera(
            f"fields of view reach from {views.min():.1f} to {views.max():.1f} degrees at image size "
            f"{size[1]}x{size[0]}, allowed are {FOV_RANGE[0]:.0f} to {FOV_RANGE[1]:.0f}"
        )


def _camera(message: str) -> InputError:
    return InputError(
        ErrorCode.CAMERA_INVALID,
        message,
        "send OpenCV camera-to-world matrices in metres and fx fy cx cy in pixels of the image",
    )


def _first_bad(good: np.bool_ | ndarray) -> int:
    return int(np.argmin(good))
