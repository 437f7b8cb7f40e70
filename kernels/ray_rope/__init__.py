"""Rotary embedding of consecutive channel pairs, and the ray transform of the camera branch (Eq. 6)."""

from kernels.ray_rope.api import rotate, transform_rays

__all__ = ["rotate", "transform_rays"]
