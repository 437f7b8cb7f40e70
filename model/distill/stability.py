"""Does a rollout far longer than training stay alive? Contrast of decoded frames, chunk by chunk."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from model.backbone import SanaWM
from model.causal import ChunkLayout
from model.codecs.protocols import LatentCodec
from model.distill.rollout import RolloutSettings
from model.flow.guidance import Conditions
from model.flow.rollout import PlainRollout
from model.flow.samplers import stream_chunks
from model.flow.schedule import explicit_sigmas


@dataclass(frozen=True)
class Stability:
    """What a long rollout looked like.

    Attributes:
        finite: whether every latent and pixel was a number.
        pixel_deviation: per chunk, the mean over its frames of the standard deviation of a frame's pixels.
    """

    finite: bool
    pixel_deviation: list[float]

    @property
    def ratios(self) -> list[float]:
        """Each chunk's deviation over the first chunk's."""
        return [value / self.pixel_deviation[0] for value in self.pixel_deviation]


@torch.no_grad()
def measure_stability(
    student: SanaWM,
    codec: LatentCodec,
    first_frame: Float[Tensor, "1 channels 1 height width"],
    given: Conditions,
    layout: ChunkLayout,
    settings: RolloutSettings,
    generator: torch.Generator,
) -> Stability:
    """Roll out as when served and decode chunk by chunk; pixels are in [-1, 1]."""
    shape = (1, first_frame.shape[1], layout.frames, *first_frame.shape[3:])
    noise = torch.randn(shape, generator=generator)
    sigmas = explicit_sigmas(settings.sigmas)
    finite, deviations = True, []
    rollout = PlainRollout(student, settings.window)
    chunks = stream_chunks(rollout, noise, first_frame, given, sigmas, layout)
    for index, chunk in enumerate(chunks):
        video = codec.decode(chunk, starts_clip=index == 0)
        finite = finite and bool(torch.isfinite(chunk).all() and torch.isfinite(video).all())
        deviations.append(float(video[0].transpose(0, 1).flatten(1).std(dim=1).mean()))
    return Stability(finite, deviations)


def there_and_back(
    camera_to_world: Float[Tensor, "frames 4 4"], intrinsics: Float[Tensor, "frames 4"], length: int
) -> tuple[Float[Tensor, "length 4 4"], Float[Tensor, "length 4"]]:
    """A path of ``length`` frames that walks a clip's path forth and back, so that it never leaves known ground."""
    period = max(2 * (len(camera_to_world) - 1), 1)
    phase = torch.arange(length) % period
    index = torch.minimum(phase, period - phase)
    return camera_to_world[index], intrinsics[index]
