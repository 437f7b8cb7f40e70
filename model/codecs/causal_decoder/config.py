"""Sizes of the causal decoder, read from the ``config.json`` of a VAE directory."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data_contracts.errors import ErrorCode, InputError

UP_BLOCKS = 3


@dataclass(frozen=True)
class CausalDecoderConfig:
    """Sizes of the network.

    Attributes:
        latent_channels: channels of a latent.
        block_channels: channels after the three upsamplings, from the picture inwards; each doubles, so that the
            network starts with twice the last.
        layers: residual blocks after each upsampling, in the same order, then those of the middle.
        patch: pixels per side that one output position holds.
        scaling_factor: factor on standardized latents.
    """

    latent_channels: int
    block_channels: tuple[int, int, int]
    layers: tuple[int, int, int, int]
    patch: int
    scaling_factor: float

    @classmethod
    def released(cls) -> "CausalDecoderConfig":
        """LTX-2's own sizes (the class defaults of the VAE)."""
        return cls(128, (256, 512, 1024), (5, 5, 5, 5), 4, 1.0)

    @classmethod
    def tiny(cls) -> "CausalDecoderConfig":
        """The same shape at a few ten thousand parameters, for tests and demonstrations."""
        return cls(128, (8, 16, 32), (1, 1, 1, 1), 4, 1.0)

    @property
    def middle(self) -> int:
        """Channels of the middle, where the network starts."""
        return self.block_channels[-1]


class _Released(BaseModel):
    """The fields of a released ``config.json`` that decide the decoder; what we do not build has one legal value."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    latent_channels: int = Field(ge=1)
    out_channels: int = Field(default=3, ge=3, le=3)
    decoder_block_out_channels: tuple[int, int, int]
    decoder_layers_per_block: tuple[int, int, int, int]
    decoder_inject_noise: tuple[bool, ...] = (False,) * 4
    decoder_spatio_temporal_scaling: tuple[bool, ...] = (True,) * UP_BLOCKS
    upsample_type: tuple[str, ...] = ("spatiotemporal",) * UP_BLOCKS
    upsample_residual: tuple[bool, ...] = (True,) * UP_BLOCKS
    upsample_factor: tuple[int, ...] = (2,) * UP_BLOCKS
    timestep_conditioning: bool = False
    patch_size: int = Field(default=4, ge=1)
    patch_size_t: int = Field(default=1, ge=1, le=1)
    scaling_factor: float = 1.0
    decoder_causal: bool = True
    decoder_spatial_padding_mode: str = "reflect"


def read_config(path: Path) -> CausalDecoderConfig:
    """Sizes from a ``config.json``.

    Raises:
        InputError: the file is missing, is not a VAE's, or asks for a network that is not the causal decoder; the
            message names the field.
    """
    try:
        released = _Released.model_validate_json(path.read_bytes())
    except OSError as error:
        raise _invalid(path, f"cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise _invalid(path, f"field {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    _check_supported(path, released)
    return CausalDecoderConfig(
        released.latent_channels,
        released.decoder_block_out_channels,
        released.decoder_layers_per_block,
        released.patch_size,
        released.scaling_factor,
    )


def _check_supported(path: Path, released: _Released) -> None:
    small, middle, large = released.decoder_block_out_channels
    expected = {
        "decoder_causal": (released.decoder_causal, True),
        "timestep_conditioning": (released.timestep_conditioning, False),
        "decoder_inject_noise": (any(released.decoder_inject_noise), False),
        "decoder_spatio_temporal_scaling": (all(released.decoder_spatio_temporal_scaling), True),
        "upsample_type": (set(released.upsample_type), {"spatiotemporal"}),
        "upsample_residual": (all(released.upsample_residual), True),
        "upsample_factor": (set(released.upsample_factor), {2}),
        "decoder_spatial_padding_mode": (released.decoder_spatial_padding_mode, "reflect"),
        "decoder_block_out_channels": ((small, middle, large), (small, 2 * small, 4 * small)),
    }
    for field, (value, wanted) in expected.items():
        if value != wanted:
            raise _invalid(path, f"field {field} is {value}; the causal decoder has {wanted}")


def _invalid(path: Path, message: str) -> InputError:
    return InputError(
        ErrorCode.WEIGHTS_INVALID,
        f"{path.parent.name}/{path.name}: {message}",
        "pass the directory of a causal LTX-2 VAE (released as ltx2_causal_vae)",
    )
