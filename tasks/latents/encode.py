"""One clip to plain DCT coefficients: the per-clip work of the ``latents`` stage, independent of all other clips."""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.codecs.dct import DctCodec
from model.codecs.fidelity import Fidelity
from model.codecs.pixels import video_from_frames
from model.codecs.protocols import FRAME_STRIDE
from model.codecs.statistics import Moments, moments
from tasks.vision.threads import single_torch_thread
from tasks.vision.video import read_video

_COEFFICIENTS = "coefficients.safetensors"


@dataclass(frozen=True)
class EncodeItem:
    """A stored clip to encode."""

    media: Path
    raw_frames: int


@dataclass(frozen=True)
class Coefficients:
    """What ``encode_clip`` left on disk."""

    values: Float[Tensor, "128 frames latent_height latent_width"]
    moments: Moments


def encode_clip(item: EncodeItem, directory: Path) -> dict[str, float]:
    """Write the clip's coefficients and their moments; return its PSNRs in decibels.

    Raises:
        ValueError: the file does not hold the frames its row announces.
    """
    frames = read_video(item.media).frames
    if len(frames) != item.raw_frames:
        raise ValueError(f"{item.media.name} holds {len(frames)} frames, its row says {item.raw_frames}")
    with single_torch_thread():
        codec = DctCodec.unfitted()
        fidelity, parts = Fidelity(), []
        # Part by part: fresh memory as large as a clip costs more than the arithmetic.
        for start in (0, *range(1, len(frames), FRAME_STRIDE)):
            video = video_from_frames(frames[start : start + FRAME_STRIDE if start else 1])
            parts.append(codec.coefficients(video, starts_clip=start == 0))
            fidelity.add(video, codec.decode(parts[-1], starts_clip=start == 0))
        values = torch.cat(parts, dim=2)[0]
        summed = moments(values)
    tensors = {"values": values, "count": summed.count, "total": summed.total, "square": summed.square}
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, directory / _COEFFICIENTS)
    return {"psnr": fidelity.psnr(), "psnr_best": fidelity.best_psnr()}


def read_coefficients(directory: Path) -> Coefficients:
    """Read back what ``encode_clip`` wrote."""
    tensors: dict[str, torch.Tensor] = load_file(directory / _COEFFICIENTS)
    return Coefficients(tensors["values"], Moments(tensors["count"], tensors["total"], tensors["square"]))
