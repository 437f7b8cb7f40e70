"""Depthwise convolution of the keys over time, kernel 4, symmetric inside a chunk."""

from kernels.short_conv.api import short_conv, short_conv_alone

__all__ = ["short_conv", "short_conv_alone"]
