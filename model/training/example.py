"""A batch as the backbone takes it: latents, text and, where the model has a camera input, cameras."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from model.camera.conditioning import prepare_camera
from model.codecs.protocols import EncodedText
from model.data.latent_dataset import LatentBatch
from model.parallel import FrameShard
from model.types import CameraConditioning, TextConditioning, concatenate_cameras


@dataclass(frozen=True)
class Example:
    """Clips of one shape with their conditions; whole clips, or one rank's frames of them."""

    latents: Float[Tensor, "batch channels frames height width"]
    text: TextConditioning
    camera: CameraConditioning | None

    @property
    def frames(self) -> int:
        """Latent frames."""
        return self.latents.shape[2]

    def taken(self, shard: FrameShard | None) -> "Example":
        """This rank's frames."""
        if shard is None:
            return self
        camera = self.camera and self.camera.frames(shard.start, shard.stop)
        return Example(shard.take(self.latents, 2), self.text, camera)

    def with_dropped_text(self, dropped: Bool[Tensor, " batch"], null_text: EncodedText) -> "Example":
        """The null condition in place of the captions of the clips where ``dropped`` is True."""
        states = torch.where(dropped[:, None, None], null_text.states.to(self.text.states), self.text.states)
        mask = torch.where(dropped[:, None], null_text.mask.to(self.text.mask), self.text.mask)
        return replace(self, text=TextConditioning(states, mask))

    def with_shuffled_cameras(self) -> "Example":
        """Every clip under the next clip's camera; a single clip under its own, played backwards."""
        if self.camera is None:
            return self
        conditions, raymap = self.camera.camera_conditions, self.camera.packed_raymap
        if len(self.latents) > 1:
            shuffled = CameraConditioning(conditions.roll(1, dims=0), raymap.roll(1, dims=0))
        else:
            shuffled = CameraConditioning(conditions.flip(1), raymap.flip(2))
        return replace(self, camera=shuffled)

    def to(self, device: torch.device) -> "Example":
        """The same on another device."""
        camera = self.camera and CameraConditioning(
            self.camera.camera_conditions.to(device), self.camera.packed_raymap.to(device)
        )
        text = TextConditioning(self.text.states.to(device), self.text.mask.to(device))
        return Example(self.latents.to(device), text, camera)


def example_of(batch: LatentBatch, with_camera: bool) -> Example:
    """The batch, its cameras brought to the latent grid."""
    height, width = batch.latents.shape[-2:]
    camera = None
    if with_camera:
        camera = concatenate_cameras(
            [
                prepare_camera(poses.numpy(), intrinsics.numpy(), batch.image_size, (height, width))
                for poses, intrinsics in zip(batch.camera_to_world, batch.intrinsics, strict=True)
            ]
        )
    return Example(batch.latents, TextConditioning(batch.text_states, batch.text_mask), camera)
