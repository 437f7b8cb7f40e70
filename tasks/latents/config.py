"""Configuration of the ``latents`` stage."""

from enum import StrEnum

from pydantic import Field

from data_contracts.base import Record


class CodecName(StrEnum):
    """Video codecs."""

    DCT = "dct"
    LTX2 = "ltx2"


class TextEncoderName(StrEnum):
    """Text encoders."""

    HASHED_TEXT = "hashed_text"
    GEMMA = "gemma"


class LatentsConfig(Record):
    """What clips are encoded with. ``*_weights`` are local directories; the embedded engines need none (empty).

    Attributes:
        codec: video codec.
        codec_weights: directory of its weights.
        text_encoder: text encoder.
        text_encoder_weights: directory of its weights.
        text_tokens: tokens of every text encoding.
        text_channels: size of a text feature.
        clips_per_shard: average clips per shard.
    """

    codec: CodecName
    codec_weights: str
    text_encoder: TextEncoderName
    text_encoder_weights: str
    text_tokens: int = Field(ge=1)
    text_channels: int = Field(ge=1)
    clips_per_shard: int = Field(ge=1)
