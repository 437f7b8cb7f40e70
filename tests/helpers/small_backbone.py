"""A backbone of a few thousand weights, all of them random, with inputs that fit it."""

import torch

from model.backbone import SanaWM
from model.config import BackboneConfig, Numerics, v2
from model.layers.initialization import build_backbone
from model.types import CameraConditioning, TextConditioning

torch.set_num_threads(1)  # tensors this small only make threads wait for each other
HEIGHT, WIDTH, CHANNELS = 2, 3, 6
SMALL = BackboneConfig(
    latent_channels=CHANNELS,
    hidden=32,
    heads=2,
    depth=2,
    softmax_blocks=(1,),
    mixer="frame_gdn",
    camera_branch=True,
    mlp_ratio=2,
    caption_channels=8,
    text_tokens=4,
)


def random_backbone(config: BackboneConfig = SMALL, numerics: Numerics | None = None, seed: int = 0) -> SanaWM:
    """Initialized, then every weight moved, so that no branch is silent."""
    generator = torch.Generator().manual_seed(seed)
    model = build_backbone(config, numerics or v2(), generator)
    for parameter in model.parameters():
        parameter.data.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return model.eval()


def random_conditions(frames: int, seed: int = 1) -> tuple[torch.Tensor, TextConditioning, CameraConditioning]:
    """Latents, text and camera of one clip."""
    generator = torch.Generator().manual_seed(seed)
    latents = torch.randn(1, CHANNELS, frames, HEIGHT, WIDTH, generator=generator)
    text = TextConditioning(torch.randn(1, 4, 8, generator=generator), torch.tensor([[1, 1, 1, 0]]))
    poses = torch.eye(4).repeat(1, frames, 1, 1)
    poses[..., :3, 3] = torch.randn(1, frames, 3, generator=generator)
    lens = torch.tensor([2.0, 2.0, 1.0, 0.5]).expand(1, frames, 4)
    raymap = torch.randn(1, 48, frames, HEIGHT, WIDTH, generator=generator)
    return latents, text, CameraConditioning(torch.cat((poses.flatten(2), lens), -1), raymap)


def parameters_equal(first: SanaWM, second: SanaWM) -> bool:
    """Whether two models hold the same names and bits."""
    left, right = first.state_dict(), second.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)
