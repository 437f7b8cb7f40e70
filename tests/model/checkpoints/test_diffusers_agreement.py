"""Our bidirectional network and the one in diffusers agree on random weights, through the converter, both ways."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from small_backbone import random_backbone
from torch.overrides import TorchFunctionMode

from data_contracts.weights import WeightsLayout
from model.causal import ChunkLayout
from model.checkpoints import convert_weights, locate, open_checkpoint, save_checkpoint
from model.checkpoints.locate import DIFFUSERS_CLASS
from model.checkpoints.store import checkpoint_info
from model.config import BackboneConfig
from model.config import diffusers as diffusers_profile
from model.types import CameraConditioning, TextConditioning

LIMIT = 1e-5
ROUNDED_LIMIT = 1e-3  # both round softmax operands to bfloat16; another order of sums flips roundings
HEIGHT, WIDTH, FRAMES = 2, 3, 5
CONFIG = BackboneConfig(
    latent_channels=6,
    hidden=112,
    heads=2,
    depth=4,
    softmax_blocks=(1, 3),
    mixer="frame_gdn",
    camera_branch=True,
    mlp_ratio=3,
    caption_channels=8,
    text_tokens=7,
)


@pytest.fixture(scope="module")
def peer_class() -> Any:
    library = pytest.importorskip("diffusers", reason="diffusers is not installed")
    if not hasattr(library, DIFFUSERS_CLASS):
        pytest.skip(f"diffusers {library.__version__} has no {DIFFUSERS_CLASS}")
    return getattr(library, DIFFUSERS_CLASS)


def inputs() -> tuple[torch.Tensor, torch.Tensor, TextConditioning, CameraConditioning]:
    """Two clips with captions of unequal length, cameras that walk and turn, one noise level a frame."""
    generator = torch.Generator().manual_seed(3)
    latents = torch.randn(2, CONFIG.latent_channels, FRAMES, HEIGHT, WIDTH, generator=generator)
    mask = torch.ones(2, CONFIG.text_tokens, dtype=torch.int64)
    mask[0, 3:] = 0
    states = torch.randn(2, CONFIG.text_tokens, CONFIG.caption_channels, generator=generator)
    angle = torch.linspace(0, 0.3, FRAMES)
    poses = torch.eye(4).repeat(2, FRAMES, 1, 1)
    poses[..., 0, 0], poses[..., 0, 2] = angle.cos(), angle.sin()
    poses[..., 2, 0], poses[..., 2, 2] = -angle.sin(), angle.cos()
    poses[:, :, :3, 3] = torch.linspace(0, 2, FRAMES)[None, :, None] * torch.randn(2, 1, 3, generator=generator)
    lens = torch.tensor([2.0, 2.0, 1.0, 0.5]).expand(2, FRAMES, 4)
    raymap = torch.randn(2, 48, FRAMES, HEIGHT, WIDTH, generator=generator)
    timesteps = torch.randint(0, 1000, (2, 1, FRAMES), generator=generator).float()
    return latents, timesteps, TextConditioning(states, mask), CameraConditioning(
        torch.cat((poses.flatten(2), lens), -1), raymap
    )  # fmt: skip


class Float32Softmax(TorchFunctionMode):
    """The peer rounds softmax operands to bfloat16, always; without that rounding all the rest can be compared."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        return args[0] if func is torch.Tensor.bfloat16 else func(*args, **(kwargs or {}))


@torch.no_grad()
def theirs(peer: Any, masked: bool = True, rounded: bool = False) -> torch.Tensor:
    latents, timesteps, text, camera = inputs()
    with nullcontext() if rounded else Float32Softmax():
        return peer(
            hidden_states=latents,
            timestep=timesteps,
            encoder_hidden_states=text.states[:, None],
            mask=text.mask if masked else torch.ones_like(text.mask),
            camera_conditions=camera.camera_conditions,
            chunk_plucker=camera.packed_raymap,
            return_dict=False,
        )[0]


@torch.no_grad()
def ours(model: Any) -> torch.Tensor:
    latents, timesteps, text, camera = inputs()
    return model(latents, timesteps, text, camera, ChunkLayout.single(FRAMES))


def relative_rms(got: torch.Tensor, expected: torch.Tensor) -> float:
    return float((got - expected).square().mean().sqrt() / expected.square().mean().sqrt())


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random network of ours in the layout of diffusers."""
    root = tmp_path_factory.mktemp("converted")
    model = random_backbone(CONFIG, diffusers_profile())
    save_checkpoint(root / "ours", model, checkpoint_info(model))
    convert_weights(locate(root / "ours"), root, WeightsLayout.DIFFUSERS)
    return root / "transformer"


def test_ours_to_theirs(peer_class: Any, converted: Path) -> None:
    peer = peer_class.from_pretrained(converted).eval()
    model = random_backbone(CONFIG, diffusers_profile())
    assert relative_rms(ours(model), theirs(peer)) < LIMIT
    rounding = random_backbone(CONFIG, replace(diffusers_profile(), softmax_in_bfloat16=True))
    assert relative_rms(ours(rounding), theirs(peer, rounded=True)) < ROUNDED_LIMIT


@pytest.mark.parametrize("head", [16, 32, 64, 112, 160])
def test_every_head_size_is_scaled_as_the_peer_scales_it(peer_class: Any, tmp_path: Path, head: int) -> None:
    config = replace(CONFIG, hidden=2 * head, depth=2, softmax_blocks=(1,))
    model = random_backbone(config, diffusers_profile())
    save_checkpoint(tmp_path / "ours", model, checkpoint_info(model))
    convert_weights(locate(tmp_path / "ours"), tmp_path, WeightsLayout.DIFFUSERS)
    peer = peer_class.from_pretrained(tmp_path / "transformer").eval()
    assert relative_rms(ours(model), theirs(peer)) < LIMIT


def test_theirs_to_ours(peer_class: Any, converted: Path, tmp_path: Path) -> None:
    peer = peer_class.from_pretrained(converted).eval()
    generator = torch.Generator().manual_seed(5)
    for parameter in peer.parameters():
        parameter.data.add_(torch.randn(parameter.shape, generator=generator) * 0.05)
    peer.save_pretrained(tmp_path / "transformer", max_shard_size="1MB")
    files = locate(tmp_path)
    assert len(files.weights) > 1
    opened = open_checkpoint(files)
    assert (opened.numerics, opened.config.softmax_blocks) == ("diffusers", CONFIG.softmax_blocks)
    assert relative_rms(ours(opened.model()), theirs(peer)) < LIMIT


def test_the_comparison_sees_masks_and_profiles(peer_class: Any, converted: Path) -> None:
    peer = peer_class.from_pretrained(converted).eval()
    expected = theirs(peer)
    assert relative_rms(theirs(peer, masked=False), expected) > 100 * LIMIT
    assert relative_rms(ours(random_backbone(CONFIG)), expected) > 100 * LIMIT
