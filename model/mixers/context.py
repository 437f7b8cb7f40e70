"""What every mixer of one forward call shares."""

from dataclasses import dataclass

from model.camera.ray_frame import RayFrames
from model.causal.view import FrameView
from model.layers.rope import RotaryTable


@dataclass(frozen=True)
class MixerContext:
    """Shared, read only.

    Attributes:
        view: frames, chunks and neighbours of this call.
        rotary: table of the main branch.
        camera_rotary: table of the rotary half of the camera branch.
        rays: ray frames of every token; None without a camera.
    """

    view: FrameView
    rotary: RotaryTable
    camera_rotary: RotaryTable
    rays: RayFrames | None
