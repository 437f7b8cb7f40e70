"""Weights carried from stage to stage: what is new is named, and silent branches leave the parent bit-equal."""

from dataclasses import replace

import pytest
import torch
from small_backbone import SMALL, random_backbone, random_conditions

from model.backbone import SanaWM
from model.causal import ChunkLayout
from model.checkpoints import carry_weights
from model.checkpoints.stage_transfer import _claimed_by, rules_between
from model.config import v2

LINEAR = replace(SMALL, mixer="linear", camera_branch=False, softmax_blocks=())
GDN = replace(LINEAR, mixer="frame_gdn")
HYBRID = replace(GDN, softmax_blocks=(1,))
LAYOUT = ChunkLayout.single(4)


def carried(parent: SanaWM, config) -> tuple[SanaWM, object]:
    child = SanaWM(config, v2())
    return child, carry_weights(parent, child, torch.Generator().manual_seed(3))


@torch.no_grad()
def test_camera_branches_leave_the_parent_bit_equal() -> None:
    parent = random_backbone(HYBRID)
    child, report = carried(parent, SMALL)
    latents, text, camera = random_conditions(4)
    steps = torch.tensor([700.0])
    assert torch.equal(parent(latents, steps, text, None, LAYOUT), child(latents, steps, text, camera, LAYOUT))
    assert set(report.initialized.values()) == {"add_camera"}
    assert not report.dropped
    weights = child.state_dict()
    assert torch.equal(weights["blocks.0.attn.k_proj_cam.weight"], weights["blocks.0.attn.qkv.weight"].chunk(3)[1])


def test_silent_camera_branches_can_learn() -> None:
    child, _ = carried(random_backbone(HYBRID), SMALL)
    latents, text, camera = random_conditions(4)
    child(latents, torch.tensor([700.0]), text, camera, LAYOUT).square().mean().backward()
    for name in (
        "blocks.0.attn.out_proj_cam.weight",
        "blocks.1.attn.out_proj_cam.weight",
        "blocks.0.plucker_proj.weight",
    ):
        assert child.get_parameter(name).grad.abs().max() > 0, name


def test_linear_to_gdn_to_hybrid() -> None:
    parent = random_backbone(LINEAR)
    gdn, report = carried(parent, GDN)
    assert set(report.initialized.values()) == {"linear_to_gdn"}
    assert torch.equal(gdn.state_dict()["blocks.0.attn.qkv.weight"], parent.state_dict()["blocks.0.attn.qkv.weight"])
    hybrid, report = carried(gdn, HYBRID)
    assert not report.initialized
    assert "blocks.1.attn.conv_k.weight" in report.dropped
    assert torch.equal(hybrid.state_dict()["blocks.1.attn.proj.weight"], gdn.state_dict()["blocks.1.attn.proj.weight"])


def test_a_new_codec_starts_patchify_and_output_afresh() -> None:
    parent = random_backbone(LINEAR)
    child, report = carried(parent, replace(LINEAR, latent_channels=9))
    assert set(report.initialized.values()) == {"codec_change"}
    assert child.state_dict()["x_embedder.proj.weight"].shape[1] == 9


def test_a_key_without_a_rule_is_an_error() -> None:
    with pytest.raises(ValueError, match="no transfer rule"):
        _claimed_by("blocks.0.attn.q_proj_cam.weight", rules_between(random_backbone(LINEAR), random_backbone(GDN)))
