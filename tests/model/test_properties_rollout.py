"""A rollout with all its past is the offline network, and with a window its state stops growing.

Each property has a sibling that breaks the code on purpose and sees the property fail.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from small_backbone import SMALL, random_backbone, random_conditions
from torch import Tensor

from model.backbone import SanaWM
from model.causal import CacheWindow, ChunkLayout, RolloutState
from model.causal.state import GDNState
from model.config import Numerics, v1, v2

DEEP = replace(SMALL, depth=4, softmax_blocks=(1, 3))
CHUNKS = 12
FRAMES = 3 * CHUNKS + 1  # T = 3k + 1: chunks of 4, 3, 3, ...
LAYOUT = ChunkLayout.streaming(FRAMES, 3)
NOISY = 727.0


def relative(ours: Tensor, theirs: Tensor) -> float:
    return float((ours - theirs).square().mean().sqrt() / theirs.square().mean().sqrt())


@torch.no_grad()
def offline(model: SanaWM) -> list[Tensor]:
    """Velocity of each chunk when it is noisy and everything before it is clean, without a state."""
    latents, text, camera = random_conditions(FRAMES)
    chunks = []
    for index, (start, stop) in enumerate(LAYOUT.chunks):
        timesteps = torch.zeros(1, 1, stop)
        timesteps[..., start:] = NOISY
        prefix = ChunkLayout(stop, LAYOUT.starts[: index + 1])
        chunks.append(model(latents[:, :, :stop], timesteps, text, camera.frames(0, stop), prefix)[:, :, start:])
    return chunks


@torch.no_grad()
def streamed(model: SanaWM, window: CacheWindow) -> list[Tensor]:
    """The same from a rollout: each chunk once noisy, then once at timestep 0 for the state."""
    latents, text, camera = random_conditions(FRAMES)
    state, chunks = RolloutState(window=window), []
    for start, stop in LAYOUT.chunks:
        inputs = latents[:, :, start:stop], text, camera.frames(start, stop)
        velocity, _ = model.advance(inputs[0], torch.tensor([NOISY]), *inputs[1:], state)
        _, state = model.advance(inputs[0], torch.zeros(1), *inputs[1:], state)
        chunks.append(velocity)
    return chunks


def worst(model: SanaWM, window: CacheWindow = CacheWindow(None)) -> float:  # noqa: B008 - frozen
    pairs = zip(streamed(model, window), offline(model), strict=True)
    return max(relative(ours, theirs) for ours, theirs in pairs)


def test_streaming_with_every_past_chunk_is_offline_over_twelve_chunks() -> None:
    assert len(LAYOUT.chunks) == CHUNKS
    assert worst(random_backbone(DEEP)) < 1e-5


@pytest.mark.parametrize(
    ("numerics", "window"), [(v1(), CacheWindow(None)), (v2(), CacheWindow(2))], ids=["first release", "window of two"]
)
def test_a_profile_or_a_window_that_forgets_is_not_offline(numerics: Numerics, window: CacheWindow) -> None:
    assert worst(random_backbone(DEEP, numerics), window) > 1e-4


@pytest.mark.parametrize("lost", ["conv_tail", "camera_conv_tail", "camera", "main"])
def test_a_rollout_that_loses_a_part_of_its_state_is_not_offline(lost: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = GDNState.__init__

    def forgetful(self: GDNState, main: object, camera: object, conv_tail: object, camera_conv_tail: object) -> None:
        parts = {"main": main, "camera": camera, "conv_tail": conv_tail, "camera_conv_tail": camera_conv_tail}
        kept(self, **{**parts, lost: None})

    model = random_backbone(DEEP)
    expected = offline(model)
    monkeypatch.setattr(GDNState, "__init__", forgetful)
    pairs = zip(streamed(model, CacheWindow(None)), expected, strict=True)
    assert max(relative(ours, theirs) for ours, theirs in pairs) > 1e-4


def state_bytes(value: object) -> Iterator[int]:
    if isinstance(value, Tensor):
        yield value.untyped_storage().nbytes()
    elif isinstance(value, tuple):
        for one in value:
            yield from state_bytes(one)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from state_bytes(getattr(value, name))


@torch.no_grad()
def bytes_of_a_rollout(window: CacheWindow, chunks: int) -> list[int]:
    """Bytes behind ``RolloutState`` after each chunk, whole storages counted: a view of something larger shows."""
    model, state, sizes = random_backbone(DEEP), RolloutState(window=window), []
    for index in range(chunks):
        frames = 4 if index == 0 else 3
        latents, text, camera = random_conditions(frames, seed=index)
        _, state = model.advance(latents, torch.zeros(1), text, camera, state)
        sizes.append(sum(state_bytes(state.blocks)))
    return sizes


def test_with_sink_and_window_two_the_state_is_constant_from_chunk_three_to_forty() -> None:
    sizes = bytes_of_a_rollout(CacheWindow(2, sink=True), 40)
    assert len(set(sizes[2:])) == 1
    assert sizes[0] < sizes[2]


def test_without_a_window_the_state_grows_with_every_chunk() -> None:
    sizes = bytes_of_a_rollout(CacheWindow(None), 6)
    assert all(later > earlier for earlier, later in pairwise(sizes))
