"""The released refiner behind stage 1: chunk by chunk or whole, noise that no cut changes, every pass announced."""

import pytest
import torch
from tiny_refiner import SMALL

from model.generation.refining import RefinerJob
from model.generation.released.refiner import VideoStreamRefiner, noise_like
from model.refiner.plan import BlockSizes, RefinerPlan
from model.refiner.transformer import RefinerText, build_refiner
from model.refiner.video_stream import VideoStream


class FixedCaption:
    """The same features for every prompt."""

    def encode(self, texts):
        generator = torch.Generator().manual_seed(len(texts[0]))
        return RefinerText(torch.randn(1, 4, 64, generator=generator), torch.ones(1, 4))


@pytest.fixture(scope="module")
def stream():
    return VideoStream(build_refiner(SMALL, seed=0).eval())


def refiner(stream, sizes):
    return VideoStreamRefiner(stream, FixedCaption(), RefinerPlan(16.0), sizes)


def latents(frames=7):
    return torch.randn(1, 128, frames, 2, 3, generator=torch.Generator().manual_seed(1))


def run(one, chunks, seed=5):
    calls = []
    with torch.no_grad():
        out = list(one.refine(chunks, RefinerJob("a room", seed, lambda: calls.append(1))))
    return out, len(calls)


@pytest.mark.parametrize("sizes", [None, BlockSizes(3, 11)], ids=["whole", "blocks"])
def test_the_sink_stays_and_every_pass_is_announced(stream, sizes):
    one, coarse = refiner(stream, sizes), latents()
    out, calls = run(one, [coarse[:, :, :4], coarse[:, :, 4:]])
    refined = torch.cat(out, dim=2)
    assert refined.shape == coarse.shape
    assert torch.equal(refined[:, :, :1], coarse[:, :, :1])
    assert not torch.allclose(refined[:, :, 1:], coarse[:, :, 1:])
    assert calls == one.passes(7)
    assert [chunk.shape[2] for chunk in out] == ([7] if sizes is None else [4, 3])


def test_chunks_come_out_before_later_ones_go_in(stream):
    coarse, seen = latents(), []

    def chunks():
        for start, stop in ((0, 4), (4, 7)):
            seen.append(start)
            yield coarse[:, :, start:stop]

    with torch.no_grad():
        refined = refiner(stream, BlockSizes(3, 11)).refine(chunks(), RefinerJob("a", 5, lambda: None))
        next(refined)
    assert seen == [0]


def test_the_cut_of_stage_one_changes_nothing_and_the_seed_all(stream):
    one, coarse = refiner(stream, BlockSizes(3, 11)), latents()
    cut, _ = run(one, [coarse[:, :, :4], coarse[:, :, 4:]])
    whole, _ = run(one, [coarse])
    torch.testing.assert_close(torch.cat(cut, 2), whole[0], rtol=1e-5, atol=1e-5)
    other, _ = run(one, [coarse], seed=6)
    assert not torch.allclose(whole[0][:, :, 1:], other[0][:, :, 1:])


def test_noise_does_not_depend_on_the_cut():
    whole = noise_like(torch.zeros(1, 2, 5, 2, 2), torch.Generator().manual_seed(3))
    generator = torch.Generator().manual_seed(3)
    parts = [noise_like(torch.zeros(1, 2, frames, 2, 2), generator) for frames in (2, 3)]
    assert torch.equal(whole, torch.cat(parts, dim=2))
