"""The three properties that one chunk layout must have: no leak, bidirectional when single, streaming = offline."""

from dataclasses import replace

import pytest
import torch
from small_backbone import SMALL, random_backbone, random_conditions

from model.causal import CacheWindow, ChunkLayout, RolloutState
from model.config import Numerics, v1, v2

FRAMES = 7
LAYOUT = ChunkLayout(FRAMES, (0, 3, 5))


def timesteps() -> torch.Tensor:
    return torch.tensor([[[0.0, 300, 300, 500, 500, 900, 900]]])


@torch.no_grad()
@pytest.mark.parametrize(("numerics", "leaks"), [(v2(), False), (v1(), True)])
def test_a_later_chunk_cannot_change_an_earlier_output(numerics: Numerics, leaks: bool) -> None:
    model = random_backbone(numerics=numerics)
    latents, text, camera = random_conditions(FRAMES)
    before = model(latents, timesteps(), text, camera, LAYOUT)
    changed = latents.clone()
    changed[:, :, 5:] += 1
    after = model(changed, timesteps(), text, camera, LAYOUT)
    assert torch.equal(before[:, :, :5], after[:, :, :5]) is not leaks
    assert not torch.allclose(before[:, :, 5:], after[:, :, 5:])


@torch.no_grad()
def test_one_chunk_is_bidirectional() -> None:
    model = random_backbone()
    latents, text, camera = random_conditions(FRAMES)
    whole = model(latents, timesteps(), text, camera, ChunkLayout.single(FRAMES))
    changed = latents.clone()
    changed[:, :, -1] += 1
    moved = model(changed, timesteps(), text, camera, ChunkLayout.single(FRAMES))
    assert not torch.allclose(whole[:, :, 0], moved[:, :, 0])


@torch.no_grad()
@pytest.mark.parametrize("mixer", ["frame_gdn", "linear"])
def test_streaming_with_the_full_cache_equals_offline(mixer: str) -> None:
    config = SMALL if mixer == "frame_gdn" else replace(SMALL, mixer="linear", camera_branch=False)
    model = random_backbone(config)
    latents, text, camera = random_conditions(FRAMES)
    given = camera if config.camera_branch else None
    offline = model(latents, timesteps(), text, given, LAYOUT)
    state = RolloutState(window=CacheWindow(None))
    parts = []
    for start, stop in LAYOUT.chunks:
        here = given and given.frames(start, stop)
        part, state = model.advance(latents[:, :, start:stop], timesteps()[..., start:stop], text, here, state)
        parts.append(part)
    assert state.frames == FRAMES
    torch.testing.assert_close(torch.cat(parts, 2), offline, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_rollout_state_stays_constant_and_is_not_changed_in_place() -> None:
    model = random_backbone()
    latents, text, camera = random_conditions(2)
    state = RolloutState(window=CacheWindow(2, sink=True))
    sizes = []
    for _ in range(5):
        kept = state
        _, state = model.advance(latents, torch.tensor([0.0]), text, camera, state)
        assert kept.frames == state.frames - 2
        sizes.append(sum(chunk.key.shape[2] for chunk in state.blocks[1].mixer.cached))
    assert sizes[1:] == [sizes[1]] * 4
