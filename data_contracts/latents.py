"""What the ``latents`` artifact holds: one row per clip, and how its codec and text encoder were made."""

from pydantic import Field

from data_contracts.base import Record


class LatentRow(Record):
    """One row of ``latents/index.parquet``, sorted by ``clip_id``.

    The tensors lie in ``shards/<shard>.safetensors`` under ``<clip_id>/latent`` (128 T H W, float32, standardized),
    ``/camera_to_world`` (F 4 4, float64, metres, relative to frame 0), ``/intrinsics`` (F 4, float64, fx fy cx cy in
    pixels of ``height`` x ``width``), ``/text`` (L C, float32) and ``/text_mask`` (L, bool). PSNRs are decibels
    against the stored clip; ``psnr_best`` is that of the best 128 coefficients chosen for this clip alone.
    """

    clip_id: str
    shard: str
    source: str
    scene_id: str
    source_video_id: str
    split: str
    licence: str
    raw_frames: int = Field(ge=1)
    height: int = Field(ge=32)
    width: int = Field(ge=32)
    fps: float = Field(gt=0)
    frames: int = Field(ge=1, description="latent frames T")
    latent_height: int = Field(ge=1)
    latent_width: int = Field(ge=1)
    caption: str
    media_digest: str
    pose_digest: str
    psnr: float
    psnr_best: float


class CodecInfo(Record):
    """``codec.json``: which codec the latents were made with. Statistics lie beside it in ``codec.safetensors``."""

    name: str
    version: int = Field(ge=1)
    channels: int
    frame_stride: int
    space_stride: int
    luma: int = Field(ge=1, description="channels that hold luma coefficients")
    chroma: int = Field(ge=0, description="channels that hold the coefficients of each chroma plane")
    fitted_clips: int = Field(ge=0, description="clips behind the channel statistics; 0 = identity")


class TextEncoderInfo(Record):
    """``text_encoder.json``: which text encoder made the features."""

    name: str
    version: int = Field(ge=1)
    tokens: int = Field(ge=1)
    channels: int = Field(ge=1)
