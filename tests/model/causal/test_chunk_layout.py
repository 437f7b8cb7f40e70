"""Chunk starts of the three layouts."""

import pytest

from model.causal import CacheWindow, ChunkLayout


@pytest.mark.parametrize(
    ("frames", "starts"),
    [(1, (0,)), (4, (0,)), (5, (0,)), (7, (0, 4)), (10, (0, 4, 7)), (11, (0, 4, 7)), (12, (0, 4, 7))],
)
def test_first_plus_one_joins_a_short_remainder_to_the_last_chunk(frames: int, starts: tuple[int, ...]) -> None:
    assert ChunkLayout.first_plus_one(frames, 3).starts == starts


def test_minute_has_forty_chunks() -> None:
    layout = ChunkLayout.first_plus_one(121, 3)
    assert len(layout.chunks) == 40
    assert layout.chunks[0] == (0, 4)
    assert layout == ChunkLayout.streaming(121, 3)


def test_streaming_gives_the_remainder_to_the_first_chunk() -> None:
    assert ChunkLayout.streaming(11, 3).chunks == ((0, 5), (5, 8), (8, 11))
    assert ChunkLayout.streaming(2, 3).chunks == ((0, 2),)


@pytest.mark.parametrize("starts", [(), (1,), (0, 2, 2), (0, 5)])
def test_bad_starts_are_refused(starts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="starts="):
        ChunkLayout(5, starts)


def test_window_keeps_sink_and_the_last_chunks() -> None:
    assert CacheWindow(2, sink=True).keep(tuple("abcd")) == ("a", "d")
    assert CacheWindow(2, sink=False).keep(tuple("abcd")) == ("c", "d")
    assert CacheWindow(3, sink=True).keep(tuple("ab")) == ("a", "b")
    assert CacheWindow(None).keep(tuple("abcd")) == tuple("abcd")
