"""Branches that start at zero leave their parent bit-equal, and are not dead: a step of training moves them."""

from dataclasses import replace

import pytest
import torch
from small_backbone import SMALL, random_backbone, random_conditions

from model.backbone import SanaWM
from model.causal import CacheWindow, ChunkLayout, RolloutState
from model.checkpoints.stage_transfer import carry_weights
from model.config import v2
from model.layers.initialization import build_backbone

FRAMES = 7
DEEP = replace(SMALL, depth=4, softmax_blocks=(1, 3))
PLAIN = replace(DEEP, camera_branch=False)
LAYOUTS = (ChunkLayout.single(FRAMES), ChunkLayout.first_plus_one(FRAMES, 3))


def family() -> tuple[SanaWM, SanaWM]:
    """A parent without a camera, all of its weights random, and its child with fresh camera branches."""
    parent, child = random_backbone(PLAIN), SanaWM(DEEP, v2())
    carry_weights(parent, child, torch.Generator().manual_seed(3))
    return parent, child.eval()


@torch.no_grad()
def differs(parent: SanaWM, child: SanaWM) -> bool:
    latents, text, camera = random_conditions(FRAMES)
    timesteps = torch.tensor([[[0.0, 300, 300, 300, 900, 900, 900]]])
    pairs = [
        (parent(latents, timesteps, text, None, layout), child(latents, timesteps, text, camera, layout))
        for layout in LAYOUTS
    ]
    states = [RolloutState(window=CacheWindow(None)) for _ in range(2)]
    for start, stop in LAYOUTS[1].chunks:
        step = latents[:, :, start:stop], timesteps[..., start:stop], text
        before, states[0] = parent.advance(*step, None, states[0])
        after, states[1] = child.advance(*step, camera.frames(start, stop), states[1])
        pairs.append((before, after))
    return not all(torch.equal(one, other) for one, other in pairs)


def test_fresh_camera_branches_change_no_bit_of_any_mode() -> None:
    assert not differs(*family())


@pytest.mark.parametrize(
    "branch", ["blocks.0.attn.out_proj_cam", "blocks.3.attn.out_proj_cam", "blocks.2.plucker_proj"]
)
@pytest.mark.parametrize("part", ["weight", "bias"])
def test_a_branch_that_does_not_start_at_zero_is_heard(branch: str, part: str) -> None:
    parent, child = family()
    with torch.no_grad():
        child.get_parameter(f"{branch}.{part}").add_(0.01)
        if part == "weight":
            child.plucker_embedder.proj.bias.add_(0.5)
    assert differs(parent, child)


def test_a_fresh_branch_gets_a_gradient() -> None:
    _, child = family()
    latents, text, camera = random_conditions(FRAMES)
    child(latents, torch.tensor([500.0]), text, camera, LAYOUTS[1]).square().mean().backward()
    for block in child.blocks:
        for branch in (block.attn.out_proj_cam, block.plucker_proj):
            assert branch.weight.grad is not None
        assert block.attn.out_proj_cam.weight.grad.abs().max() > 0


@torch.no_grad()
def test_a_fresh_network_begins_silent() -> None:
    """Output layer and temporal convolution start at zero; the velocity of a fresh network is exactly zero."""
    model = build_backbone(DEEP, v2(), torch.Generator().manual_seed(0)).eval()
    latents, text, camera = random_conditions(FRAMES)
    assert not model(latents, torch.tensor([500.0]), text, camera, LAYOUTS[0]).any()
