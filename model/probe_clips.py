"""Clips for ``model.probe``: from a latents artifact, or from videos encoded through a bundle's own codec."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray

from data_contracts.errors import ErrorCode, InputError, OperationError
from model.camera.conditioning import prepare_camera
from model.codecs.protocols import LatentCodec, TextEncoder
from model.config import BackboneConfig
from model.data.corpus_view import CorpusView, Subset
from model.data.latent_dataset import LatentDataset
from model.training.example import Example, example_of
from model.types import TextConditioning


def clips_of_artifact(directory: Path, limit: int, with_camera: bool) -> list[Example]:
    """The first clips of a latents artifact, by id: held-out ones, or training ones where none is held out.

    Raises:
        OperationError: the artifact is broken or empty.
    """
    try:
        dataset = LatentDataset(directory, CorpusView(Subset.HELD_OUT))
    except OperationError as error:
        if error.code is not ErrorCode.INPUT_MISSING:
            raise
        dataset = LatentDataset(directory, CorpusView(Subset.TRAIN))
    return [example_of(dataset.collate([index]), with_camera) for index in range(min(limit, len(dataset)))]


def encoded_clip(
    frames: UInt8[ndarray, "raw_frames height width 3"],
    camera_to_world: Float[ndarray, "raw_frames 4 4"],
    intrinsics: Float[ndarray, "raw_frames 4"],
    caption: str,
    encoders: tuple[LatentCodec, TextEncoder],
) -> Example:
    """One clip of a video and its camera.

    Args:
        frames: RGB, 8k+1 of them, sides multiples of 32.
        camera_to_world: OpenCV axes, metres.
        intrinsics: fx fy cx cy in pixels of ``frames``.
        caption: what the scene is.
        encoders: the codec and text encoder of the bundle.
    """
    codec, text_encoder = encoders
    signal = torch.from_numpy(np.ascontiguousarray(frames)).permute(3, 0, 1, 2).float() / 127.5 - 1
    latents = codec.encode(signal[None])
    text = text_encoder.encode([caption])
    height, width = frames.shape[1:3]
    camera = prepare_camera(camera_to_world, intrinsics, (height, width), (latents.shape[3], latents.shape[4]))
    return Example(latents, TextConditioning(text.states, text.mask), camera)


def check_clips(clips: Sequence[Example], config: BackboneConfig) -> None:
    """Refuse clips that another codec or text encoder made than the checkpoint was trained with.

    Raises:
        InputError: naming the field, its value and what the checkpoint takes.
    """
    for clip in clips:
        held = {"latent channels": clip.latents.shape[1], "text channels": clip.text.states.shape[-1]}
        wanted = {"latent channels": config.latent_channels, "text channels": config.caption_channels}
        for field, value in held.items():
            if value != wanted[field]:
                raise InputError(
                    ErrorCode.CONFIG_INVALID,
                    f"{field} of the clips are {value}, the checkpoint takes {wanted[field]}",
                    "encode the clips with the codec and the text encoder of the checkpoint",
                )
