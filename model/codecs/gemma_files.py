"""A Gemma text model and its tokenizer from a local directory; nothing is downloaded and no code in it is run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from jaxtyping import Int
from torch import Tensor

from model.codecs.strict_weights import invalid_weights

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

HOST = torch.device("cpu")
_UNREAD = "lm_head."  # the head predicts tokens; features are taken before it


@dataclass(frozen=True)
class Tokens:
    """Token ids and their mask (1 = real)."""

    ids: Int[Tensor, "batch tokens"]
    mask: Int[Tensor, "batch tokens"]


@dataclass(frozen=True)
class GemmaFiles:
    """What a directory holds.

    Attributes:
        tokenizer: pads on the side it was loaded with.
        decoder: the text model alone, in evaluation mode; its weights stay on the CPU between encodings.
        device: where it computes.
    """

    tokenizer: "PreTrainedTokenizerBase"
    decoder: "PreTrainedModel"
    device: torch.device = HOST

    @contextmanager
    def on_device(self) -> Iterator[None]:
        """Weights are on ``device`` inside and on the CPU afterwards; nothing is copied back.

        A prompt is encoded once for a whole video, and the refiner's text model alone is 24 GB.
        """
        home = {parameter: parameter.data for parameter in self.decoder.parameters()}
        self.decoder.to(self.device)
        try:
            yield
        finally:
            for parameter, weights in home.items():
                parameter.data = weights
            self.decoder.to(HOST)

    def tokenize(self, text: str, length: int) -> Tokens:
        """Ids of one text with the start token, padded and cut to ``length``, on ``device``."""
        batch = self.tokenizer(
            text, padding="max_length", max_length=length, truncation=True, return_tensors="pt", add_special_tokens=True
        )
        return Tokens(batch["input_ids"].to(self.device), batch["attention_mask"].to(self.device))

    def length(self, text: str) -> int:
        """Number of tokens of a text, the start token included."""
        return len(self.tokenizer(text, add_special_tokens=True)["input_ids"])


def load_gemma(
    directory: Path,
    family: Literal["gemma2", "gemma3"],
    padding: Literal["left", "right"],
    dtype: torch.dtype,
    device: torch.device = HOST,
) -> GemmaFiles:
    """The text model and the tokenizer of a directory in the library's layout (safetensors, ``tokenizer.json``).

    Of a multimodal checkpoint only the language model is kept.

    Args:
        directory: holds ``config.json``, the weights and the tokenizer, which may also lie in ``../tokenizer``.
        family: the architecture it must be.
        padding: side of padding tokens.
        dtype: of weights and activations.
        device: where it computes.

    Raises:
        InputError: files are missing or broken, another family is found, or a weight is missing or not known.
    """
    from safetensors import SafetensorError
    from transformers import AutoModel, AutoTokenizer

    config, beside = directory / "config.json", directory.parent / "tokenizer"
    words = directory if (directory / "tokenizer.json").is_file() or not beside.is_dir() else beside
    if not config.is_file():
        raise invalid_weights(config, "the file does not exist")
    try:
        tokenizer = AutoTokenizer.from_pretrained(words, local_files_only=True, padding_side=padding)
        loaded, found = AutoModel.from_pretrained(
            directory, local_files_only=True, use_safetensors=True, output_loading_info=True, dtype=dtype
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise invalid_weights(config, f"not a {family} text encoder: {str(error).splitlines()[0]}") from error
    if not loaded.config.model_type.startswith(family):
        raise invalid_weights(config, f"field model_type is {loaded.config.model_type}, expected {family}")
    missing = sorted(found["missing_keys"])
    unknown = sorted(name for name in found["unexpected_keys"] if not name.startswith(_UNREAD))
    for problem, names in (("missing", missing), ("unknown", unknown)):
        if names:
            raise invalid_weights(config, f"{len(names)} weights are {problem}, first {', '.join(names[:3])}")
    return GemmaFiles(tokenizer, loaded.get_decoder().eval().requires_grad_(False), device)
