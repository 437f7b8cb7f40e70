"""One forward path, two ways to see time: one chunk is bidirectional, and no chunk hears of a later one.

Each property has a sibling that breaks the code on purpose and sees the property fail.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from small_backbone import SMALL, random_backbone, random_conditions
from torch import Tensor

from model.backbone import SanaWM
from model.causal import CacheWindow, ChunkLayout, RolloutState
from model.causal.view import FrameView
from model.config import v1, v2
from model.mixers.frame_gdn import FrameGDNMixer
from model.types import CameraConditioning

FRAMES = 10
LAYOUT = ChunkLayout.first_plus_one(FRAMES, 3)  # 0..3, 4..6, 7..9
DEEP = replace(SMALL, depth=4, softmax_blocks=(1, 3))
TIMESTEPS = torch.tensor([[[0.0, 300, 300, 300, 500, 500, 500, 900, 900, 900]]])

Outputs = dict[str, Tensor]


@contextmanager
def recorded(model: SanaWM) -> Iterator[Outputs]:
    """Outputs of every block, and of both branches of its mixer, by name; frames are axis 1."""
    seen: Outputs = {}
    handles = []
    for index, block in enumerate(model.blocks):
        handles.append(block.register_forward_hook(lambda _m, _i, out, n=index: seen.update({f"block {n}": out[0]})))
        original = block.attn.finish

        def finish(tokens: Tensor, main: Tensor, camera: Tensor | None, n: int = index, run: Callable = original):
            seen[f"block {n} main"] = main.transpose(1, 2)
            if camera is not None:
                seen[f"block {n} camera"] = camera.transpose(1, 2)
            return run(tokens, main, camera)

        block.attn.finish = finish
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
        for block in model.blocks:
            del block.attn.finish


@torch.no_grad()
def outputs(model: SanaWM, latents: Tensor, camera: CameraConditioning, layout: ChunkLayout = LAYOUT) -> Outputs:
    _, text, _ = random_conditions(FRAMES)
    with recorded(model) as seen:
        velocity = model(latents, TIMESTEPS, text, camera, layout)
    return {**seen, "velocity": velocity.transpose(1, 2)}


def moved(camera: CameraConditioning, start: int) -> CameraConditioning:
    """The camera elsewhere from latent frame ``start`` on, both of its inputs."""
    conditions, raymap = camera.camera_conditions.clone(), camera.packed_raymap.clone()
    conditions[:, start:, 3] += 0.7
    raymap[:, :, start:] += 0.5
    return CameraConditioning(conditions, raymap)


def touched(model: SanaWM, what: str, chunk: int) -> set[str]:
    """Names of outputs that change before ``chunk`` when its latents or cameras do."""
    latents, _, camera = random_conditions(FRAMES)
    start = LAYOUT.starts[chunk]
    changed = latents.clone()
    changed[:, :, start:] += 1
    after = outputs(model, changed, camera) if what == "latents" else outputs(model, latents, moved(camera, start))
    before = outputs(model, latents, camera)
    assert not torch.equal(before["velocity"][:, start:], after["velocity"][:, start:])
    return {name for name, value in before.items() if not torch.equal(value[:, :start], after[name][:, :start])}


@pytest.mark.parametrize("chunk", [1, 2])
@pytest.mark.parametrize("what", ["latents", "cameras"])
def test_a_chunk_never_changes_an_earlier_one_in_any_block_or_branch(what: str, chunk: int) -> None:
    assert touched(random_backbone(DEEP), what, chunk) == set()


def test_both_branches_of_every_block_are_watched() -> None:
    latents, _, camera = random_conditions(FRAMES)
    names = outputs(random_backbone(DEEP), latents, camera).keys()
    assert {f"block {n}{part}" for n in range(4) for part in ("", " main", " camera")} < names


def test_broken_resets_leak_through_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FrameView, "resets", property(lambda self: (False,) * self.frames))
    assert {"block 0 main", "block 0 camera", "velocity"} <= touched(random_backbone(DEEP), "latents", 2)


def test_softmax_that_sees_all_leaks_in_the_first_release() -> None:
    names = touched(random_backbone(DEEP, v1()), "latents", 2)
    assert {"block 1 main", "block 1 camera"} <= names
    assert not {"block 0", "block 0 main", "block 0 camera"} & names


@torch.no_grad()
def test_one_chunk_is_bidirectional() -> None:
    """A layout of one chunk, however it is named, and one step of a rollout are the same network."""
    model = random_backbone(DEEP)
    latents, text, camera = random_conditions(4)
    timesteps = torch.tensor([[[0.0, 600, 600, 600]]])
    whole = model(latents, timesteps, text, camera, ChunkLayout.single(4))
    assert torch.equal(whole, model(latents, timesteps, text, camera, ChunkLayout.first_plus_one(4, 3)))
    step, _ = model.advance(latents, timesteps, text, camera, RolloutState(window=CacheWindow(None)))
    torch.testing.assert_close(step, whole, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_one_chunk_hears_of_its_own_end_and_two_do_not() -> None:
    model = random_backbone(DEEP)
    latents, _, camera = random_conditions(FRAMES)
    changed = latents.clone()
    changed[:, :, -1] += 1
    for layout, hears in ((ChunkLayout.single(FRAMES), True), (LAYOUT, False)):
        first, second = outputs(model, latents, camera, layout), outputs(model, changed, camera, layout)
        assert [torch.equal(first[name][:, 0], second[name][:, 0]) for name in first] == [not hears] * len(first)


@torch.no_grad()
def test_a_scan_without_its_reverse_is_not_bidirectional(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resetting at every frame cuts the reversed scan; the first frame then hears less than it should."""
    model = random_backbone(replace(SMALL, depth=1, softmax_blocks=()))
    latents, text, camera = random_conditions(4)
    whole = model(latents, torch.tensor([600.0]), text, camera, ChunkLayout.single(4))
    monkeypatch.setattr(FrameView, "resets", property(lambda self: (True,) * self.frames))
    assert isinstance(model.blocks[0].attn, FrameGDNMixer)
    cut = model(latents, torch.tensor([600.0]), text, camera, ChunkLayout.single(4))
    assert (whole - cut).abs().max() > 1e-4


def test_the_default_profile_is_the_one_without_leaks() -> None:
    assert v2().softmax_honours_chunks
    assert not v1().softmax_honours_chunks
