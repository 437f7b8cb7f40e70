"""The LTX-2 VAE as a codec (diffusers' ``AutoencoderKLLTX2Video``), from a local directory; nothing is downloaded."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from model.codecs.latent_statistics import DEVIATION_KEY, MEAN_KEY, LatentStatistics
from model.codecs.protocols import FRAME_STRIDE, LATENT_CHANNELS, SPACE_STRIDE, latent_frames
from model.codecs.strict_weights import invalid_weights, read_strict, shapes_of

if TYPE_CHECKING:
    from diffusers import AutoencoderKLLTX2Video

CONFIG = "config.json"
WEIGHTS = "diffusion_pytorch_model.safetensors"

Latents = Float[Tensor, "batch 128 frames latent_height latent_width"]
Video = Float[Tensor, "batch 3 raw_frames height width"]


@dataclass(frozen=True)
class Tiling:
    """How large a piece is coded at a time; neighbours overlap by size minus stride and are blended there.

    Attributes:
        raw_frames: length of a piece (96 as released), and its stride.
        pixels: height and width of a piece, and its stride (the library's defaults).
    """

    raw_frames: int = 96
    raw_frame_stride: int = 64
    pixels: int = 512
    pixel_stride: int = 448

    def __post_init__(self) -> None:
        for name, size, stride, unit in (
            ("raw_frames", self.raw_frames, self.raw_frame_stride, FRAME_STRIDE),
            ("pixels", self.pixels, self.pixel_stride, SPACE_STRIDE),
        ):
            if not 0 < stride <= size or size % unit or stride % unit:
                raise ValueError(
                    f"{name} is {size} with stride {stride}; multiples of {unit} are needed, stride <= size"
                )


class Ltx2Vae:
    """Video to standardized latents (the mode of the posterior) and back.

    Args:
        vae: the library's model, in evaluation mode; it decides device and type of the arithmetic.
        statistics: what latents are standardized by.
        tiling: how ``vae`` was told to cut its input, if at all.
    """

    def __init__(
        self, vae: "AutoencoderKLLTX2Video", statistics: LatentStatistics, tiling: Tiling | None = None
    ) -> None:
        self._vae = vae
        self._tiling = tiling
        self.statistics = statistics

    @torch.no_grad()
    def encode(self, video: Video) -> Latents:
        """Standardized latents, float32, of RGB video in [-1, 1].

        Raises:
            ValueError: not 8k+1 frames, or height or width not a multiple of 32.
        """
        frames = latent_frames(video.shape[2])
        height, width = video.shape[3:]
        if height % SPACE_STRIDE or width % SPACE_STRIDE:
            raise ValueError(f"video is {height} x {width} pixels; both must be multiples of {SPACE_STRIDE}")
        posterior = self._vae.encode(video.to(self._vae.device, self._vae.dtype), return_dict=False)[0]
        latents = posterior.mode()
        expected = (LATENT_CHANNELS, frames, height // SPACE_STRIDE, width // SPACE_STRIDE)
        if latents.shape[1:] != expected:
            raise ValueError(f"the VAE made latents of {tuple(latents.shape[1:])}, its geometry asks for {expected}")
        return self.statistics.standardize(latents)

    @torch.no_grad()
    def decode(self, latents: Latents, starts_clip: bool = True) -> Video:
        """RGB video, float32, clamped to [-1, 1], of a whole clip.

        Raises:
            ValueError: a later chunk is asked for. This decoder looks at the frames on both sides, so a chunk alone
                has no exact video; ``model.codecs.causal_decoder`` decodes chunk by chunk. Or the last tile would be
                a single latent position, which cannot be padded by reflection.
        """
        if not starts_clip:
            raise ValueError(
                "starts_clip is False; the LTX-2 VAE decodes whole clips only. Use the causal decoder for a stream"
            )
        self._check_tiles(latents.shape[3], latents.shape[4])
        restored = self.statistics.restore(latents.to(self._vae.device)).to(self._vae.dtype)
        return self._vae.decode(restored, return_dict=False)[0].float().clamp(-1, 1)

    def _check_tiles(self, height: int, width: int) -> None:
        if self._tiling is None:
            return
        size, stride = self._tiling.pixels // SPACE_STRIDE, self._tiling.pixel_stride // SPACE_STRIDE
        for name, positions in (("height", height), ("width", width)):
            if max(height, width) > size and (positions - 1) % stride == 0:
                raise ValueError(
                    f"{name} is {positions * SPACE_STRIDE} pixels and tiles step by {stride * SPACE_STRIDE}: the last "
                    f"tile would be {SPACE_STRIDE} pixels; choose another pixel_stride"
                )


def load_ltx2_vae(directory: Path, tiling: Tiling | None, dtype: torch.dtype = torch.float32) -> Ltx2Vae:
    """The VAE of a directory with ``config.json`` and one safetensors file, on the CPU.

    The latent statistics must be in the file: without them the library would silently use 0 and 1.

    Raises:
        InputError: a file is missing or broken, or a key is unknown, missing or misshaped.
    """
    from diffusers import AutoencoderKLLTX2Video

    path = directory / WEIGHTS
    try:
        config = AutoencoderKLLTX2Video.load_config(directory / CONFIG, local_files_only=True)
        with torch.device("meta"):
            vae = AutoencoderKLLTX2Video.from_config(config)
    except (OSError, TypeError, ValueError) as error:
        raise invalid_weights(directory / CONFIG, f"not the configuration of an LTX-2 VAE: {error}") from error
    tensors = read_strict(path, shapes_of(vae))
    statistics = LatentStatistics.from_file(
        path, tensors[MEAN_KEY], tensors[DEVIATION_KEY], float(vae.config.scaling_factor)
    )
    vae.load_state_dict({name: tensor.to(dtype) for name, tensor in tensors.items()}, strict=True, assign=True)
    _set_tiling(vae, tiling)
    return Ltx2Vae(vae.eval().requires_grad_(False), statistics, tiling)


def _set_tiling(vae: "AutoencoderKLLTX2Video", tiling: Tiling | None) -> None:
    # Tiles are cut by these two; where the configuration leaves them out, the library derives twice the true strides.
    vae.spatial_compression_ratio, vae.temporal_compression_ratio = SPACE_STRIDE, FRAME_STRIDE
    if tiling is None:
        return
    vae.enable_tiling(
        tile_sample_min_height=tiling.pixels,
        tile_sample_min_width=tiling.pixels,
        tile_sample_min_num_frames=tiling.raw_frames,
        tile_sample_stride_height=tiling.pixel_stride,
        tile_sample_stride_width=tiling.pixel_stride,
        tile_sample_stride_num_frames=tiling.raw_frame_stride,
    )
    # The library gates temporal tiles of the encoder by the decoder's switch, so both are set.
    vae.use_framewise_encoding = vae.use_framewise_decoding = True
