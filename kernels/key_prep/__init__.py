"""Preparation of queries and keys before a scan: normalization over all heads, ReLU, key scale (Eq. 5)."""

from kernels.key_prep.api import prepare_features

__all__ = ["prepare_features"]
