"""The middle of the feed-forward: SiLU, depthwise 3x3 over a frame, gated linear unit."""

from kernels.glu_conv.api import glu_conv

__all__ = ["glu_conv"]
