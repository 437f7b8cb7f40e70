"""What the backbone accepts, how it starts, and what its configuration refuses."""

from dataclasses import replace

import pytest
import torch
from small_backbone import SMALL, parameters_equal, random_backbone, random_conditions

from model.causal import ChunkLayout, RolloutState
from model.config import diffusers, numerics_named, paper, require_trainable, tiny, v1, v2
from model.layers.initialization import build_backbone


def test_timesteps_per_sample_and_per_frame_agree_and_are_truncated() -> None:
    model = random_backbone()
    latents, text, camera = random_conditions(3)
    layout = ChunkLayout.single(3)
    with torch.no_grad():
        scalar = model(latents, torch.tensor([731.6]), text, camera, layout)
        frames = model(latents, torch.full((1, 1, 3), 731.0), text, camera, layout)
        assert torch.equal(scalar, frames)
        with pytest.raises(ValueError, match="timesteps of shape"):
            model(latents, torch.zeros(1, 2), text, camera, layout)
        with pytest.raises(ValueError, match="latents hold 3 frames"):
            model(latents, torch.zeros(1), text, camera, ChunkLayout.single(4))


def test_masked_caption_tokens_are_not_seen() -> None:
    model = random_backbone()
    latents, text, camera = random_conditions(2)
    changed = replace(text, states=text.states.clone())
    changed.states[:, 3] += 5
    layout = ChunkLayout.single(2)
    with torch.no_grad():
        first = model(latents, torch.tensor([5.0]), text, camera, layout)
        assert torch.equal(first, model(latents, torch.tensor([5.0]), changed, camera, layout))


def test_fresh_weights_follow_the_generator() -> None:
    first, second, other = (build_backbone(SMALL, v2(), torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert parameters_equal(first, second)
    assert not parameters_equal(first, other)
    latents, text, camera = random_conditions(2)
    assert not first(latents, torch.tensor([5.0]), text, camera, ChunkLayout.single(2)).any()


def test_a_rollout_belongs_to_its_model() -> None:
    latents, text, camera = random_conditions(2)
    with torch.no_grad():
        _, state = random_backbone().advance(latents, torch.zeros(1), text, camera, RolloutState())
        swapped = random_backbone(replace(SMALL, softmax_blocks=(0,)))
        with pytest.raises(TypeError, match="another model"):
            swapped.advance(latents, torch.zeros(1), text, camera, state)


def test_presets() -> None:
    assert (paper().head_dim, paper().feed_forward) == (112, 6720)
    assert (tiny().head_dim, tiny().softmax_blocks, tiny().mlp_ratio) == (64, (3,), 3)
    for change, message in (
        ({"heads": 3}, "must be a multiple"),
        ({"heads": 8}, "divisible by 8"),
        ({"softmax_blocks": (9,)}, "softmax_blocks"),
        ({"mixer": "linear"}, "camera_branch needs"),
    ):
        with pytest.raises(ValueError, match=message):
            replace(SMALL, **change)
    with pytest.raises(ValueError, match="known: v1, v2, diffusers"):
        numerics_named("v3")


def test_profiles_that_leak_or_mirror_a_port_keep_to_their_use() -> None:
    require_trainable(v2())
    for numerics in (v1(), diffusers()):
        with pytest.raises(ValueError, match="train under 'v2'"):
            require_trainable(numerics)
    model = build_backbone(SMALL, diffusers(), torch.Generator().manual_seed(0))
    latents, text, camera = random_conditions(2)
    with torch.no_grad(), pytest.raises(ValueError, match="bidirectional only"):
        model(latents, torch.zeros(1), text, camera, ChunkLayout(2, (0, 1)))
