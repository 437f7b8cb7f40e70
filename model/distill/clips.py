"""A batch of clips as distillation sees them: what is given, and how long they are."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from model.codecs.protocols import EncodedText
from model.flow.guidance import Conditions
from model.training.example import Example
from model.types import TextConditioning


@dataclass(frozen=True)
class DistillationClips:
    """Clean latents and the conditions they are generated from (the first frame among them)."""

    latents: Float[Tensor, "batch channels frames height width"]
    given: Conditions

    @property
    def first_frame(self) -> Float[Tensor, "batch channels 1 height width"]:
        """Clean latent of frame 0."""
        return self.latents[:, :, :1]

    @property
    def frames(self) -> int:
        """Latent frames."""
        return self.latents.shape[2]


def distillation_clips(
    example: Example, null_text: EncodedText, latent_frames: int, guidance: float
) -> DistillationClips:
    """Clips cut to ``latent_frames`` (0 = whole), with the null condition for guidance."""
    batch, frames = len(example.latents), latent_frames or example.frames
    states = null_text.states.to(example.text.states).expand(batch, -1, -1)
    null = TextConditioning(states, null_text.mask.to(example.text.mask).expand(batch, -1))
    camera = example.camera and example.camera.frames(0, frames)
    given = Conditions(example.text, camera, null, guidance)
    return DistillationClips(example.latents[:, :, :frames], given)
