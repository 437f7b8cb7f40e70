"""What a video is conditioned on, and classifier-free guidance."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from model.backbone import SanaWM
from model.causal.layout import ChunkLayout
from model.causal.state import RolloutState
from model.layers.rope import RotaryTable
from model.types import CameraConditioning, TextConditioning, concatenate_texts

Latents = Float[Tensor, "batch channels frames height width"]


@dataclass(frozen=True)
class Conditions:
    """Conditions of a batch of videos.

    Attributes:
        text: captions.
        camera: over all latent frames; None without one.
        null_text: caption of the unguided half; needed when ``guidance`` is not 1.
        guidance: ``v = v_null + guidance (v_text - v_null)``; 1 asks for the caption alone.

    Raises:
        ValueError: guidance without a null caption.
    """

    text: TextConditioning
    camera: CameraConditioning | None
    null_text: TextConditioning | None = None
    guidance: float = 1.0

    def __post_init__(self) -> None:
        """Check that guidance is possible."""
        if self.guidance != 1.0 and self.null_text is None:
            raise ValueError(f"guidance={self.guidance} needs null_text")

    def frames(self, start: int, stop: int) -> "Conditions":
        """The same for a range of latent frames."""
        return self if self.camera is None else replace(self, camera=self.camera.frames(start, stop))


def guided_velocity(
    model: SanaWM, latents: Latents, timesteps: Float[Tensor, "batch 1 frames"], given: Conditions, layout: ChunkLayout
) -> Latents:
    """Velocity of a whole sequence under guidance, both halves in one batch."""
    if given.null_text is None or given.guidance == 1.0:
        return model(latents, timesteps, given.text, given.camera, layout)
    text = concatenate_texts([given.null_text, given.text])
    camera = given.camera.repeated(2) if given.camera else None
    both = model(latents.repeat(2, 1, 1, 1, 1), timesteps.repeat(2, 1, 1), text, camera, layout)
    return blend(both, given.guidance)


def guided_advance(
    model: SanaWM,
    latents: Latents,
    timesteps: Float[Tensor, "batch 1 frames"],
    given: Conditions,
    state: RolloutState,
    rotary: RotaryTable | None = None,
) -> tuple[Latents, RolloutState]:
    """Velocity of the next chunk of a rollout under guidance; the state then holds both halves."""
    if given.null_text is None or given.guidance == 1.0:
        return model.advance(latents, timesteps, given.text, given.camera, state, rotary)
    text = concatenate_texts([given.null_text, given.text])
    camera = given.camera.repeated(2) if given.camera else None
    both, after = model.advance(latents.repeat(2, 1, 1, 1, 1), timesteps.repeat(2, 1, 1), text, camera, state, rotary)
    return blend(both, given.guidance), after


def blend(both: Latents, guidance: float) -> Latents:
    """``v_null + guidance (v_text - v_null)`` of a batch whose first half is unguided."""
    plain, wanted = torch.chunk(both, 2)
    return plain + guidance * (wanted - plain)
