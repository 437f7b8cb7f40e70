"""Gemma-2 as the text encoder of stage 1, with the instruction ("CHI") that the released network was trained under.

What it does follows model_spec.md section 5: the last hidden state of the decoder, padding on the right; the
instruction stands before the prompt and is cut away again but for the first token and what lies in the last 299 places.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from data_contracts.errors import ErrorCode, InputError
from model.codecs.gemma_files import HOST, GemmaFiles, Tokens, load_gemma
from model.codecs.protocols import EncodedText

RELEASED_TOKENS = 300


class Gemma2TextEncoder:
    """Prompts to features of ``tokens`` places.

    Each text is encoded alone, so its features do not depend on the batch it came in.

    Args:
        files: model and tokenizer, padding on the right.
        instruction: lines put before every prompt, joined by newlines; the prompt follows the last one directly.
        tokens: places of an encoding, 300 as released.
    """

    def __init__(self, files: GemmaFiles, instruction: Sequence[str], tokens: int = RELEASED_TOKENS) -> None:
        if tokens < 2:
            raise ValueError(f"tokens is {tokens}; at least 2 are needed")
        self._files = files
        self._instruction = "\n".join(instruction)
        self.tokens = tokens

    @property
    def channels(self) -> int:
        """Size of a feature (2304 as released)."""
        return self._files.decoder.config.hidden_size

    @torch.no_grad()
    def encode(self, texts: Sequence[str]) -> EncodedText:
        """Features, float32; those of padding places are zero. The empty text has no instruction before it."""
        with self._files.on_device():
            encoded = [self._encode_one(text) for text in texts]
        mask = torch.cat([mask for _, mask in encoded])
        states = torch.cat([states for states, _ in encoded])
        return EncodedText(states * mask[..., None], mask)

    def _encode_one(self, text: str) -> tuple[Tensor, Tensor]:
        tokens = self._tokenized(text)
        states = self._files.decoder(
            input_ids=tokens.ids, attention_mask=tokens.mask, use_cache=False
        ).last_hidden_state.float()
        kept = [0, *range(tokens.ids.shape[1] - self.tokens + 1, tokens.ids.shape[1])]
        return states[:, kept], tokens.mask[:, kept].bool()

    def _tokenized(self, text: str) -> Tokens:
        if not text or not self._instruction:
            return self._files.tokenize(text, self.tokens)
        # The instruction's own count includes its start token, and one more place is shared with the prompt's first.
        length = self._files.length(self._instruction) + self.tokens - 2
        return self._files.tokenize(self._instruction + text, length)


def load_gemma2(
    directory: Path, instruction: Sequence[str], dtype: torch.dtype = torch.float32, device: torch.device = HOST
) -> Gemma2TextEncoder:
    """The text encoder of a local Gemma-2 directory (released: gemma-2-2b-it); its weights wait on the CPU.

    Raises:
        InputError: the directory does not hold a whole Gemma-2 model and its tokenizer.
    """
    return Gemma2TextEncoder(load_gemma(directory, "gemma2", "right", dtype, device), instruction)


class _TextEncoderSection(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    chi_prompt: list[str]


class _ReleasedConfig(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    text_encoder: _TextEncoderSection


def read_instruction(path: Path) -> tuple[str, ...]:
    """The instruction of a released ``config.yaml`` (``text_encoder.chi_prompt``, 8 lines).

    The text belongs to the checkpoint and is not kept in this program. The spec names the file and not the field; the
    field is the one Sana's configurations use.

    Raises:
        InputError: the file is missing, is not YAML, or has no such field.
    """
    import yaml

    try:
        parsed = _ReleasedConfig.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(
            ErrorCode.WEIGHTS_INVALID,
            f"{path.name}: text_encoder.chi_prompt (a list of lines) cannot be read: {str(error).splitlines()[0]}",
            "pass the config.yaml that was released with the checkpoint",
        ) from error
    return tuple(parsed.text_encoder.chi_prompt)
