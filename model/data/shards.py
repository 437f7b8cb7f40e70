"""Shards: safetensors files of whole clips, named by the SHA-256 of their bytes, filled by clip id.

Clips go to shards by the leading bits of their id, so that one new clip changes one shard.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from data_contracts.errors import ErrorCode, OperationError

SHARD_FOLDER = "shards"


@dataclass(frozen=True)
class ClipTensors:
    """Everything stored of one clip.

    Attributes:
        latent: standardized latents, float32.
        camera_to_world: OpenCV camera-to-world per raw frame, metres, float64.
        intrinsics: fx fy cx cy in pixels of the stored clip per raw frame, float64.
        text: text features, float32.
        text_mask: True where a token is real.
    """

    latent: Float[Tensor, "128 frames latent_height latent_width"]
    camera_to_world: Float[Tensor, "raw_frames 4 4"]
    intrinsics: Float[Tensor, "raw_frames 4"]
    text: Float[Tensor, "tokens caption_channels"]
    text_mask: Bool[Tensor, "tokens"]


_FIELDS = ("latent", "camera_to_world", "intrinsics", "text", "text_mask")


def assign_shards(clip_ids: Sequence[str], clips_per_shard: int) -> list[list[str]]:
    """Clip ids of each shard, sorted; a shard holds ``clips_per_shard`` clips on average and is never empty.

    Raises:
        ValueError: ``clips_per_shard`` is below 1.
    """
    if clips_per_shard < 1:
        raise ValueError(f"clips_per_shard is {clips_per_shard}; it must be at least 1")
    bits = max(0, -(-len(clip_ids) // clips_per_shard) - 1).bit_length()
    buckets: dict[int, list[str]] = {}
    for clip_id in sorted(clip_ids):
        leading = int.from_bytes(hashlib.sha256(clip_id.encode()).digest()[:4], "big") >> (32 - bits)
        buckets.setdefault(leading, []).append(clip_id)
    return [buckets[key] for key in sorted(buckets)]


def write_shard(directory: Path, clips: Mapping[str, ClipTensors]) -> str:
    """Write one shard, read it back, and return its name (the SHA-256 of its bytes, without suffix).

    Raises:
        OperationError: the bytes read back are not the bytes written.
    """
    tensors = {
        f"{clip_id}/{name}": getattr(clips[clip_id], name).contiguous() for clip_id in sorted(clips) for name in _FIELDS
    }
    content = save(tensors)
    name = hashlib.sha256(content).hexdigest()
    folder = directory / SHARD_FOLDER
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.safetensors"
    path.write_bytes(content)
    verify_shard(path)
    return name


def verify_shard(path: Path) -> None:
    """Check that a shard's bytes still have the digest that names it.

    Raises:
        OperationError: they do not.
    """
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != path.stem:
        raise _corrupt(path, f"its SHA-256 is {found}")


def read_clip(directory: Path, shard: str, clip_id: str) -> ClipTensors:
    """The tensors of one clip; only its own bytes are read.

    Raises:
        OperationError: the shard is missing or broken, lacks the clip, or holds values that are not finite.
    """
    path = directory / SHARD_FOLDER / f"{shard}.safetensors"
    try:
        with safe_open(path, framework="pt") as tensors:
            clip = ClipTensors(*[tensors.get_tensor(f"{clip_id}/{name}") for name in _FIELDS])
    except (OSError, SafetensorError) as error:
        raise _corrupt(path, f"clip {clip_id} cannot be read: {error}") from error
    if not bool(torch.isfinite(clip.latent).all()):
        raise _corrupt(path, f"the latent of clip {clip_id} is not finite")
    return clip


def _corrupt(path: Path, why: str) -> OperationError:
    return OperationError(
        ErrorCode.ARTIFACT_CORRUPT,
        f"shard {path.name} is corrupt: {why}",
        "run the latents stage again (wm run --force latents)",
    )
