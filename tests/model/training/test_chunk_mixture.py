from collections import Counter
from itertools import combinations_with_replacement

import pytest
import torch

from model.causal import ChunkLayout
from model.training.chunk_mixture import ChunkMixture
from model.training.generators import named_generator
from model.training.monotone import monotone_through, uniform_monotone
from model.training.noise_levels import PerChunk, PerClip, logit_normal_index, quantile_index


def test_monotone_sequences_are_uniform():
    """Every non-decreasing sequence of 3 numbers out of 4 comes up equally often (chi-squared, 19 degrees)."""
    generator = named_generator(0, "test")
    draws = 8000
    counts = Counter(tuple(uniform_monotone(3, 0, 3, generator).tolist()) for _ in range(draws))
    possible = list(combinations_with_replacement(range(4), 3))
    assert set(counts) == set(possible)
    expected = draws / len(possible)
    assert sum((counts[path] - expected) ** 2 / expected for path in possible) < 43.8  # 0.1% level


def test_paths_through_an_anchor_are_uniform_on_both_sides():
    generator = named_generator(1, "test")
    draws = 6000
    counts = Counter(tuple(monotone_through(4, 1, 2, 5, generator).tolist()) for _ in range(draws))
    before = [(first,) for first in range(3)]
    after = list(combinations_with_replacement(range(2, 5), 2))
    possible = [(*left, 2, *right) for left in before for right in after]
    assert set(counts) == set(possible)
    expected = draws / len(possible)
    assert sum((counts[path] - expected) ** 2 / expected for path in possible) < 40.8  # 17 degrees, 0.1% level


def test_anchor_outside_is_refused():
    with pytest.raises(ValueError, match="anchor"):
        monotone_through(3, 3, 0, 10, named_generator(0))


@pytest.mark.parametrize("chunks", [1, 2, 40])
def test_every_schedule_is_monotone_and_holds_its_anchor(chunks):
    generator = named_generator(2, "test")
    for weights in [(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)]:
        for _ in range(30):
            drawn = ChunkMixture(*weights).draw(700, chunks, 1000, generator)
            assert drawn.shape == (chunks,)
            assert (drawn.diff() >= 0).all()
            assert drawn.min() >= 0
            assert drawn.max() <= 999
            if weights[1]:
                assert 700 in drawn
            else:
                assert drawn[-1] == 700
            if weights[0]:
                assert (drawn == 700).all()
            if weights[3] and chunks > 1:
                assert drawn[0] == 0


def test_mixture_weights_are_normalized_and_checked():
    generator = named_generator(3, "test")
    mixture = ChunkMixture(0.1, 0.4, 0.4, 0.1)
    flat = sum(bool((mixture.draw(500, 8, 1000, generator) == 500).all()) for _ in range(2000))
    assert 140 < flat < 260  # 10% of 2000; a monotone path is flat by chance almost never
    with pytest.raises(ValueError, match="weights"):
        ChunkMixture(0, 0, 0, 0)


def test_frames_of_a_chunk_share_its_level():
    layout = ChunkLayout.first_plus_one(11, 3)
    levels = PerChunk(ChunkMixture(0, 1, 0, 0)).spread(600, layout, named_generator(4, "test"))
    assert levels.shape == (11,)
    for start, stop in layout.chunks:
        assert len(set(levels[start:stop].tolist())) == 1
    assert set(PerClip().spread(600, layout, named_generator(4)).tolist()) == {600}


def test_base_index_is_logit_normal():
    assert logit_normal_index(0.0) == 500
    assert logit_normal_index(50.0) == 999
    assert logit_normal_index(-50.0) == 0
    assert quantile_index(0, 1) == 500
    assert quantile_index(0, 3) + quantile_index(2, 3) == 999


def test_named_generators_do_not_depend_on_each_other():
    first = torch.rand(3, generator=named_generator(5, "noise", 0))
    named_generator(5, "noise", 1)
    assert torch.equal(first, torch.rand(3, generator=named_generator(5, "noise", 0)))
    assert not torch.equal(first, torch.rand(3, generator=named_generator(5, "noise", 1)))
