"""Codec and text encoder on disk: a small JSON of what they are, and the codec's statistics in safetensors."""

from pathlib import Path

from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from data_contracts.errors import ErrorCode, OperationError
from data_contracts.latents import CodecInfo, TextEncoderInfo
from model.codecs.dct import DctCodec
from model.codecs.dct_basis import CHROMA_CHANNELS, LUMA_CHANNELS
from model.codecs.hashed_text import VERSION as HASHED_TEXT_VERSION
from model.codecs.hashed_text import HashedTextEncoder
from model.codecs.protocols import FRAME_STRIDE, LATENT_CHANNELS, SPACE_STRIDE, EncodedText, LatentCodec, TextEncoder
from model.codecs.statistics import ChannelStatistics

DCT = "dct"
HASHED_TEXT = "hashed_text"
_DCT_VERSION = 1


def save_codec(directory: Path, codec: DctCodec) -> None:
    """Write ``codec.json`` and ``codec.safetensors``."""
    statistics = codec.statistics
    info = CodecInfo(
        name=DCT,
        version=_DCT_VERSION,
        channels=LATENT_CHANNELS,
        frame_stride=FRAME_STRIDE,
        space_stride=SPACE_STRIDE,
        luma=LUMA_CHANNELS,
        chroma=CHROMA_CHANNELS,
        fitted_clips=statistics.clips,
    )
    save_file({"mean": statistics.mean, "deviation": statistics.deviation}, directory / "codec.safetensors")
    (directory / "codec.json").write_text(info.model_dump_json(indent=1) + "\n")


def load_codec(directory: Path) -> LatentCodec:
    """The codec that ``save_codec`` wrote.

    Raises:
        OperationError: a file is missing or broken, or another codec, version or geometry is named.
    """
    try:
        info = CodecInfo.model_validate_json((directory / "codec.json").read_text())
        tensors = load_file(directory / "codec.safetensors")
        statistics = ChannelStatistics(tensors["mean"], tensors["deviation"], info.fitted_clips)
    except (OSError, ValidationError, SafetensorError, KeyError) as error:
        raise _broken(directory, "codec.json, codec.safetensors", str(error)) from error
    shape = (2, info.channels)
    if (info.name, info.version) != (DCT, _DCT_VERSION) or statistics.mean.shape != shape:
        raise _broken(
            directory,
            "codec.json",
            f"codec {info.name} version {info.version} with statistics {tuple(statistics.mean.shape)}; "
            f"this program reads {DCT} version {_DCT_VERSION} with {shape}",
        )
    return DctCodec(statistics)


def save_text_encoder(directory: Path, encoder: HashedTextEncoder) -> None:
    """Write ``text_encoder.json`` and the null condition, ``null_text.safetensors``."""
    info = TextEncoderInfo(
        name=HASHED_TEXT, version=HASHED_TEXT_VERSION, tokens=encoder.tokens, channels=encoder.channels
    )
    null = encoder.encode([""])
    save_file({"text": null.states[0], "text_mask": null.mask[0]}, directory / "null_text.safetensors")
    (directory / "text_encoder.json").write_text(info.model_dump_json(indent=1) + "\n")


def load_text_encoder(directory: Path) -> TextEncoder:
    """The text encoder that ``save_text_encoder`` described.

    Raises:
        OperationError: the description is missing or broken, or names another encoder or version.
    """
    try:
        info = TextEncoderInfo.model_validate_json((directory / "text_encoder.json").read_text())
    except (OSError, ValidationError) as error:
        raise _broken(directory, "text_encoder.json", str(error)) from error
    if (info.name, info.version) != (HASHED_TEXT, HASHED_TEXT_VERSION):
        raise _broken(directory, "text_encoder.json", f"encoder {info.name} version {info.version} is not known")
    return HashedTextEncoder(info.tokens, info.channels)


def load_null_text(directory: Path) -> EncodedText:
    """The null condition, a batch of one.

    Raises:
        OperationError: ``null_text.safetensors`` is missing or broken.
    """
    try:
        tensors = load_file(directory / "null_text.safetensors")
        return EncodedText(tensors["text"][None], tensors["text_mask"][None])
    except (OSError, SafetensorError, KeyError) as error:
        raise _broken(directory, "null_text.safetensors", str(error)) from error


def _broken(directory: Path, name: str, why: str) -> OperationError:
    return OperationError(
        ErrorCode.ARTIFACT_CORRUPT,
        f"{name} in {directory.name} cannot be used: {why}",
        "run the latents stage again (wm run --force latents)",
    )
