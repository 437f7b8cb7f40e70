"""Random generators named by what they are for: no draw depends on another stream or on what ran before."""

import hashlib

import torch


def named_generator(seed: int, *purpose: str | int) -> torch.Generator:
    """A CPU generator seeded by a digest of ``seed`` and the words and numbers of ``purpose``."""
    text = "/".join([str(seed), *map(str, purpose)])
    return torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big"))
