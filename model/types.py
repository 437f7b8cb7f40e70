"""What the backbone is conditioned on."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Num
from torch import Tensor


@dataclass(frozen=True)
class TextConditioning:
    """Encoded captions. ``mask`` is 1 (or True) where a token is to be seen."""

    states: Float[Tensor, "batch tokens channels"]
    mask: Num[Tensor, "batch tokens"]


@dataclass(frozen=True)
class CameraConditioning:
    """The camera at both rates (Sec. 3.3), relative to the pose of frame 0.

    Attributes:
        camera_conditions: per latent frame, row-major camera-to-world (16; OpenCV axes, metres) and fx fy cx cy in
            pixels of the latent grid, pixel centres at integers.
        packed_raymap: Pluecker coordinates of the eight raw frames behind each latent frame, at latent resolution.
    """

    camera_conditions: Float[Tensor, "batch frames 20"]
    packed_raymap: Float[Tensor, "batch 48 frames height width"]

    def frames(self, start: int, stop: int) -> "CameraConditioning":
        """The latent frames ``start`` to ``stop`` (exclusive)."""
        return CameraConditioning(self.camera_conditions[:, start:stop], self.packed_raymap[:, :, start:stop])

    def repeated(self, copies: int) -> "CameraConditioning":
        """The batch ``copies`` times over, for guidance."""
        return concatenate_cameras([self] * copies)


def concatenate_cameras(parts: list[CameraConditioning]) -> CameraConditioning:
    """Join along the batch."""
    return CameraConditioning(
        torch.cat([part.camera_conditions for part in parts]), torch.cat([part.packed_raymap for part in parts])
    )


def concatenate_texts(parts: list[TextConditioning]) -> TextConditioning:
    """Join along the batch; the captions must have one length."""
    return TextConditioning(torch.cat([part.states for part in parts]), torch.cat([part.mask for part in parts]))
