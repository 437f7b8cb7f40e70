"""Gemma-3 as the text encoder of the refiner: every hidden state, padding on the left (model_spec.md section 7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor

from model.codecs.gemma_files import HOST, GemmaFiles, load_gemma

RELEASED_TOKENS = 1024


@dataclass(frozen=True)
class AllLayerStates:
    """Hidden states of a batch of texts.

    Attributes:
        states: the embeddings and the output of every layer, the last one normed (49 of Gemma-3 12B).
        mask: 1 where a token is real; those stand on the right.
    """

    states: Float[Tensor, "batch tokens channels layers"]
    mask: Int[Tensor, "batch tokens"]


class Gemma3StateEncoder:
    """Prompts to all-layer states, kept on the CPU: those of one text of the released size are 360 MB in bfloat16.

    Args:
        files: model and tokenizer, padding on the left.
        tokens: places of an encoding, 1024 as released.
    """

    def __init__(self, files: GemmaFiles, tokens: int = RELEASED_TOKENS) -> None:
        if tokens < 1:
            raise ValueError(f"tokens is {tokens}; at least 1 is needed")
        self._files = files
        self.tokens = tokens

    @torch.no_grad()
    def encode(self, texts: Sequence[str]) -> AllLayerStates:
        """States in the model's own type. Each text is encoded alone, so a batch changes nothing."""
        with self._files.on_device():
            encoded = [self._encode_one(text) for text in texts]
        return AllLayerStates(torch.cat([one.states for one in encoded]), torch.cat([one.mask for one in encoded]))

    def _encode_one(self, text: str) -> AllLayerStates:
        tokens = self._files.tokenize(text, self.tokens)
        output = self._files.decoder(
            input_ids=tokens.ids, attention_mask=tokens.mask, output_hidden_states=True, use_cache=False
        )
        states = [state.cpu() for state in output.hidden_states]
        return AllLayerStates(torch.stack(states, dim=-1), tokens.mask.cpu())


def load_gemma3(directory: Path, dtype: torch.dtype = torch.float32, device: torch.device = HOST) -> Gemma3StateEncoder:
    """The text model of a local Gemma-3 directory (released: Gemma-3 12B); its weights wait on the CPU.

    Raises:
        InputError: the directory does not hold a whole Gemma-3 model and its tokenizer.
    """
    return Gemma3StateEncoder(load_gemma(directory, "gemma3", "left", dtype, device))
