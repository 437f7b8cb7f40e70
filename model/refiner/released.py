"""The released refiner, ``transformer/``: LTX-2's transformer with both adapters merged (model_spec.md section 8)."""

import re
from pathlib import Path

import torch
from torch import nn

from model.codecs.strict_weights import invalid_weights
from model.refiner.released_files import load_parts, read_library_config

# All that the video stream does not read. The names are those of the library's class.
AUDIO_KEYS = re.compile(
    r"(audio_|av_cross_attn_).+|transformer_blocks\.\d+\.(audio_|video_to_audio_|video_a2v_cross_attn_).+"
)


def is_audio(name: str) -> bool:
    """Whether a weight belongs to the audio stream or couples the two.

    >>> is_audio("transformer_blocks.0.audio_attn1.to_q.weight"), is_audio("transformer_blocks.0.attn1.to_q.weight")
    (True, False)
    """
    return AUDIO_KEYS.fullmatch(name) is not None


def load_released_refiner(directory: Path, dtype: torch.dtype = torch.bfloat16) -> nn.Module:
    """The transformer of a released directory, its video stream on the CPU, for ``model.refiner.video_stream``.

    Audio weights are known, are not read, and stay on the meta device: 10 of 38 GB.

    Raises:
        InputError: a file is missing or broken, or a key is unknown, missing or misshaped.
    """
    from diffusers import LTX2VideoTransformer3DModel

    config = read_library_config(directory)
    try:
        with torch.device("meta"):
            transformer = LTX2VideoTransformer3DModel.from_config(config)
    except (TypeError, ValueError) as error:
        raise invalid_weights(directory / "config.json", f"not an LTX-2 video transformer: {error}") from error
    load_parts(directory, transformer, dtype, is_audio)
    return transformer.eval().requires_grad_(False)
