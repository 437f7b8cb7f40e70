"""The embedded text encoder: every word has its own fixed random feature, made from its hash. It needs no weights."""

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from model.codecs.protocols import EncodedText

VERSION = 1
_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_START = "\x02"
_BYTES_PER_VALUE = 4
# The sum of four bytes has mean 510 and variance 4 (256^2 - 1) / 12: near a normal, and exact on every machine.
_MEAN, _DEVIATION = 510.0, (4 * (256**2 - 1) / 12) ** 0.5


class HashedTextEncoder:
    """A start token, then one token per word (case and punctuation do not count), cut at ``tokens``.

    Args:
        tokens: length of every encoding.
        channels: size of a feature.
    """

    def __init__(self, tokens: int = 32, channels: int = 64) -> None:
        if tokens < 1 or channels < 1:
            raise ValueError(f"tokens is {tokens} and channels {channels}; both must be at least 1")
        self.tokens = tokens
        self.channels = channels

    def encode(self, texts: Sequence[str]) -> EncodedText:
        """Features with zero mean and unit variance per value; the empty text is the start token alone."""
        states = torch.zeros(len(texts), self.tokens, self.channels)
        mask = torch.zeros(len(texts), self.tokens, dtype=torch.bool)
        for row, text in enumerate(texts):
            words = [_START, *split_words(text)][: self.tokens]
            states[row, : len(words)] = torch.stack([_feature(word, self.channels) for word in words])
            mask[row, : len(words)] = True
        return EncodedText(states, mask)


def split_words(text: str) -> list[str]:
    """Lower-case words of a text, in order."""
    return _WORD.findall(text.lower())


@lru_cache(maxsize=65536)
def _feature(word: str, channels: int) -> Float[Tensor, "channels"]:
    digest = hashlib.shake_256(word.encode()).digest(channels * _BYTES_PER_VALUE)
    sums = np.frombuffer(digest, dtype=np.uint8).reshape(channels, _BYTES_PER_VALUE).sum(axis=1, dtype=np.int64)
    return torch.from_numpy((sums - _MEAN) / _DEVIATION).float()
