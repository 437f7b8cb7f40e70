"""Layer norm without affine, then scale and shift by one vector per frame (adaptive layer norm)."""

from kernels.modulate.api import modulate

__all__ = ["modulate"]
