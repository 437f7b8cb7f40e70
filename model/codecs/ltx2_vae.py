"""The LTX-2 VAE as a codec (diffusers' ``AutoencoderKLLTX2Video``), from a local directory; nothing is downloaded.

The causal VAE of the streaming release keeps the class's encoder and replaces its decoder, so its encoder is read here
and its decoder in ``model.codecs.causal_decoder``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from model.codecs.latent_statistics import DEVIATION_KEY, MEAN_KEY, LatentStatistics
from model.codecs.protocols import FRAME_STRIDE, LATENT_CHANNELS, SPACE_STRIDE, latent_frames
from model.codecs.strict_weights import invalid_weights, no_name, read_strict, shapes_of

if TYPE_CHECKING:
    from diffusers import AutoencoderKLLTX2Video

CONFIG = "config.json"
WEIGHTS = "diffusion_pytorch_model.safetensors"
DECODER = "decoder."
HOST = torch.device("cpu")

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

    def fits(self, height: int, width: int) -> bool:
        """Whether no tile of a picture is a single latent position, which cannot be padded by reflection."""
        size, stride = self.pixels // SPACE_STRIDE, self.pixel_stride // SPACE_STRIDE
        cells = (height // SPACE_STRIDE, width // SPACE_STRIDE)
        return max(cells) <= size or all((positions - 1) % stride for positions in cells)

    @classmethod
    def of_size(cls, height: int, width: int) -> "Tiling":
        """The released tiling, its stride in space made smaller until it fits pictures of this size.

        Raises:
            ValueError: no stride of at least half a tile does.
        """
        for stride in range(cls.pixel_stride, cls.pixels // 2 - 1, -SPACE_STRIDE):
            if (tiling := cls(pixel_stride=stride)).fits(height, width):
                return tiling
        raise ValueError(f"no tiling of {cls.pixels} pixels fits {height}x{width}")


class Ltx2Encoder:
    """Video to standardized latents: the mode of the posterior.

    Args:
        vae: the library's model, in evaluation mode; it decides device and type of the arithmetic.
        statistics: what latents are standardized by.
    """

    def __init__(self, vae: "AutoencoderKLLTX2Video", statistics: LatentStatistics) -> None:
        self._vae = vae
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


class Ltx2Vae(Ltx2Encoder):
    """Video to standardized latents and back.

    Args:
        vae: as above.
        statistics: as above.
        tiling: how ``vae`` was told to cut its input, if at all.
    """

    def __init__(
        self, vae: "AutoencoderKLLTX2Video", statistics: LatentStatistics, tiling: Tiling | None = None
    ) -> None:
        super().__init__(vae, statistics)
        self._tiling = tiling

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
        height, width = (positions * SPACE_STRIDE for positions in latents.shape[3:])
        if self._tiling is not None and not self._tiling.fits(height, width):
            raise ValueError(
                f"{height}x{width} pixels in tiles of {self._tiling.pixels} by steps of {self._tiling.pixel_stride}: "
                f"the last tile would be {SPACE_STRIDE} pixels; choose another pixel_stride"
            )
        restored = self.statistics.restore(latents.to(self._vae.device)).to(self._vae.dtype)
        return self._vae.decode(restored, return_dict=False)[0].float().clamp(-1, 1)


def load_ltx2_vae(
    directory: Path, tiling: Tiling | None, dtype: torch.dtype = torch.float32, device: torch.device = HOST
) -> Ltx2Vae:
    """The VAE of a directory with ``config.json`` and one safetensors file.

    The latent statistics must be in the file: without them the library would silently use 0 and 1.

    Raises:
        InputError: a file is missing or broken, or a key is unknown, missing or misshaped.
    """
    vae, statistics = _load(directory, dtype, no_name)
    _set_tiling(vae, tiling)
    return Ltx2Vae(vae.to(device), statistics, tiling)


def load_ltx2_encoder(directory: Path, dtype: torch.dtype = torch.float32, device: torch.device = HOST) -> Ltx2Encoder:
    """The encoder of a directory whose decoder may be another network, as that of the released causal VAE is.

    Raises:
        InputError: a file is missing or broken, or a key is unknown, missing or misshaped.
    """
    vae, statistics = _load(directory, dtype, _is_decoder)
    del vae.decoder
    return Ltx2Encoder(vae.to(device), statistics)


def _load(
    directory: Path, dtype: torch.dtype, unread: Callable[[str], bool]
) -> tuple["AutoencoderKLLTX2Video", LatentStatistics]:
    """The library's model and its statistics; weights whose names are ``unread`` stay on the meta device."""
    from diffusers import AutoencoderKLLTX2Video

    path = directory / WEIGHTS
    try:
        config = AutoencoderKLLTX2Video.load_config(directory / CONFIG, local_files_only=True)
        with torch.device("meta"):
            vae = AutoencoderKLLTX2Video.from_config(config)
    except (OSError, TypeError, ValueError) as error:
        raise invalid_weights(directory / CONFIG, f"not the configuration of an LTX-2 VAE: {error}") from error
    wanted = {name: shape for name, shape in shapes_of(vae).items() if not unread(name)}
    tensors = read_strict(path, wanted, unread)
    statistics = LatentStatistics.from_file(
        path, tensors[MEAN_KEY], tensors[DEVIATION_KEY], float(vae.config.scaling_factor)
    )
    vae.load_state_dict({name: tensor.to(dtype) for name, tensor in tensors.items()}, strict=False, assign=True)
    return vae.eval().requires_grad_(False), statistics


def _is_decoder(name: str) -> bool:
    return name.startswith(DECODER)


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
