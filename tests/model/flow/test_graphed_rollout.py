"""Replayed steps over static buffers give the bits of plain calls. CUDA graphs are emulated: a replay runs the step
again and writes into the buffers of its capture, as a graph does."""

from dataclasses import replace

import pytest
import torch
from small_backbone import SMALL, random_backbone, random_conditions

from model.causal import CacheWindow, ChunkLayout, RolloutState
from model.flow import Conditions, GraphedRollout, PlainRollout, Rollout, explicit_sigmas, stream_chunks
from model.flow.rollout import Step, static_tensors

DEEP = replace(SMALL, depth=3, softmax_blocks=(1,))
FRAMES = 19
LAYOUT = ChunkLayout.streaming(FRAMES, 3)  # 4, 3, 3, 3, 3, 3
SIGMAS = explicit_sigmas((1.0, 0.6))
WINDOWS = [(CacheWindow(2), 3), (CacheWindow(3), 4), (CacheWindow(2, sink=False), 4), (CacheWindow(None), 6)]


class Captures:
    """The emulation, and how often it was asked."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, step: Step) -> tuple[Step, tuple[torch.Tensor, RolloutState]]:
        self.count += 1
        outputs = step()

        def replay() -> tuple[torch.Tensor, RolloutState]:
            fresh = [tensor.clone() for tensor in static_tensors(step())]
            for buffer, value in zip(static_tensors(outputs), fresh, strict=True):
                buffer.copy_(value)
            return outputs

        return replay, outputs


@torch.no_grad()
def video(rollout: Rollout, seed: int, guidance: float = 1.0) -> torch.Tensor:
    noise, text, camera = random_conditions(FRAMES, seed)
    null = replace(text, states=-text.states)
    given = Conditions(text, camera, null, guidance)
    return torch.cat(list(stream_chunks(rollout, noise, noise[:, :, :1], given, SIGMAS, LAYOUT)), dim=2)


@pytest.mark.parametrize(("window", "graphs"), WINDOWS)
def test_replays_are_plain_calls(window: CacheWindow, graphs: int) -> None:
    model, captures = random_backbone(DEEP), Captures()
    graphed = GraphedRollout(model, window, captures)
    for seed in (1, 2):
        graphed.restart()
        assert torch.equal(video(graphed, seed), video(PlainRollout(model, window), seed))
    assert captures.count == graphs  # the second video finds every graph made


def test_guidance_has_graphs_of_its_own() -> None:
    model, captures = random_backbone(DEEP), Captures()
    graphed = GraphedRollout(model, CacheWindow(2), captures)
    for guidance in (1.0, 3.0):
        graphed.restart()
        assert torch.equal(video(graphed, 1, guidance), video(PlainRollout(model, CacheWindow(2)), 1, guidance))
    assert captures.count == 6


def test_a_pass_before_the_first_chunk_is_refused() -> None:
    with pytest.raises(ValueError, match="no chunk was begun"):
        PlainRollout(random_backbone(DEEP), CacheWindow(2)).absorb(torch.zeros(1, 6, 3, 2, 3))
