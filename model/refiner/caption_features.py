"""The refiner's caption: all-layer Gemma-3 states through LTX-2's text connectors (model_spec.md section 7).

The connectors' class standardizes each layer by the mean and the range of its real tokens (``8 (x - mean) / (max -
min)``), flattens layers, projects, and fills the padding with learned registers; so all tokens of its result are real.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from model.codecs.gemma3 import Gemma3StateEncoder
from model.codecs.strict_weights import invalid_weights
from model.refiner.released_files import load_parts, read_library_config
from model.refiner.transformer import RefinerText

if TYPE_CHECKING:
    from diffusers.pipelines.ltx2 import LTX2TextConnectors


class RefinerTextEncoder:
    """Prompts to what the refiner's transformer reads.

    Args:
        states: the text model.
        connectors: the library's, in evaluation mode; they decide device and type.
    """

    def __init__(self, states: Gemma3StateEncoder, connectors: "LTX2TextConnectors") -> None:
        self._states = states
        self._connectors = connectors

    @torch.no_grad()
    def encode(self, texts: Sequence[str]) -> RefinerText:
        """Caption features of each text and their mask."""
        found = self._states.encode(texts)
        weight = next(self._connectors.parameters())
        features, _, mask = self._connectors(
            found.states.to(weight.device, weight.dtype), found.mask.to(weight.device), padding_side="left"
        )
        return RefinerText(features, mask.to(features.dtype))


def load_connectors(directory: Path, dtype: torch.dtype = torch.float32) -> "LTX2TextConnectors":
    """The text connectors of a released ``connectors`` directory, on the CPU; every key must fit.

    Raises:
        InputError: a file is missing or broken, or a key is unknown, missing or misshaped.
    """
    from diffusers.pipelines.ltx2 import LTX2TextConnectors

    config = read_library_config(directory)
    try:
        with torch.device("meta"):
            connectors = LTX2TextConnectors.from_config(config)
    except (TypeError, ValueError) as error:
        raise invalid_weights(directory / "config.json", f"not LTX-2 text connectors: {error}") from error
    load_parts(directory, connectors, dtype, lambda _name: False)
    return connectors.eval().requires_grad_(False)
