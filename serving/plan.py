"""From a validated wire request to what the model is asked: camera path, frame count, delivered size."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from data_contracts.errors import ErrorCode, InputError
from data_contracts.wire import ModelCard, VideoRequest
from model.generation.action_path import action_camera_path, walk_forward
from model.generation.first_frame import default_intrinsics
from model.generation.request import MAX_RAW_FRAMES, GenerationRequest, check_request

MAX_PIXELS = 1792 * 1024


@dataclass(frozen=True)
class VideoPlan:
    """A request to the model, and the size the client gets."""

    request: GenerationRequest
    height: int
    width: int


def plan_video(request: VideoRequest, card: ModelCard, image: UInt8[ndarray, "height width 3"] | None) -> VideoPlan:
    """Turn a wire request into work.

    Raises:
        InputError: the action, the duration, the size or the image cannot be used; the message names the field.
    """
    height, width = delivered_size(request.size)
    path = _camera_path(request, card)
    size = (card.height, card.width) if image is None else image.shape[:2]
    work = GenerationRequest(
        image=image,
        prompt=request.prompt,
        camera_to_world=path,
        intrinsics=np.tile(default_intrinsics(size[0], size[1]), (len(path), 1)),
        seed=request.seed,
        mode=request.mode,
    )
    check_request(work, (card.height, card.width))
    return VideoPlan(work, height, width)


def delivered_size(size: str) -> tuple[int, int]:
    """Height and width of ``WIDTHxHEIGHT``.

    Raises:
        InputError: odd, portrait, smaller than 32 or larger than 1792x1024.
    """
    width, height = (int(part) for part in size.split("x"))
    if width % 2 or height % 2 or min(width, height) < 32 or width * height > MAX_PIXELS or height > width:
        raise InputError(
            ErrorCode.REQUEST_INVALID,
            f"size is {size}; must be landscape, even, at least 32 a side and at most 1792x1024",
            "leave size out for the model's own, or ask for 1280x720",
        )
    return height, width


def _camera_path(request: VideoRequest, card: ModelCard) -> np.ndarray:
    if request.action:
        return action_camera_path(request.action)
    frames = int(request.seconds) * round(card.fps) + 1
    if frames > MAX_RAW_FRAMES:
        raise InputError(
            ErrorCode.REQUEST_INVALID,
            f"seconds is {request.seconds}; must be at most {(MAX_RAW_FRAMES - 1) // round(card.fps)}",
            "ask for a shorter video",
        )
    return walk_forward(frames)
