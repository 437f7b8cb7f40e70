"""Samplers keep the clean first frame, are deterministic, and agree where they must."""

import pytest
import torch
from small_backbone import random_backbone, random_conditions

from model.causal import CacheWindow, ChunkLayout
from model.flow import (
    Conditions,
    PlainRollout,
    euler_sigmas,
    explicit_sigmas,
    sample_bidirectional,
    sample_staggered,
    sample_streaming,
    stream_chunks,
)

FRAMES = 5
LAYOUT = ChunkLayout(FRAMES, (0, 3))


@torch.no_grad()
def test_every_sampler_keeps_the_first_frame() -> None:
    model = random_backbone()
    noise, text, camera = random_conditions(FRAMES)
    first = torch.full_like(noise[:, :, :1], 0.25)
    given = Conditions(text, camera)
    outputs = [
        sample_bidirectional(model, noise, first, given, euler_sigmas(8.0, 2)),
        sample_staggered(model, noise, first, given, euler_sigmas(8.0, 2), LAYOUT),
        sample_streaming(model, noise, first, given, explicit_sigmas((1.0, 0.5)), LAYOUT),
    ]
    for output in outputs:
        assert torch.equal(output[:, :, :1], first)
        assert bool(torch.isfinite(output).all())
        assert not torch.equal(output[:, :, 1:], noise[:, :, 1:])


@torch.no_grad()
def test_one_chunk_streams_as_it_samples_bidirectionally() -> None:
    model = random_backbone()
    noise, text, camera = random_conditions(FRAMES)
    given = Conditions(text, camera)
    sigmas = explicit_sigmas((1.0, 0.6))
    streamed = sample_streaming(model, noise, None, given, sigmas, ChunkLayout.single(FRAMES))
    together = sample_bidirectional(model, noise, None, given, sigmas)
    torch.testing.assert_close(streamed, together, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_guidance_of_one_is_the_caption_alone_and_null_alone_is_zero() -> None:
    model = random_backbone()
    noise, text, camera = random_conditions(FRAMES)
    _, other, _ = random_conditions(FRAMES, seed=9)
    sigmas = explicit_sigmas((1.0,))
    plain = sample_bidirectional(model, noise, None, Conditions(text, camera), sigmas)
    none = sample_bidirectional(model, noise, None, Conditions(other, camera), sigmas)
    zero = sample_bidirectional(model, noise, None, Conditions(text, camera, other, 0.0), sigmas)
    two = sample_bidirectional(model, noise, None, Conditions(text, camera, other, 2.0), sigmas)
    torch.testing.assert_close(zero, none, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(two, 2 * plain - none, rtol=1e-3, atol=1e-4)
    with pytest.raises(ValueError, match="needs null_text"):
        Conditions(text, camera, None, 2.0)


@torch.no_grad()
def test_chunks_are_yielded_one_by_one() -> None:
    model = random_backbone()
    noise, text, camera = random_conditions(FRAMES)
    rollout, asked = PlainRollout(model, CacheWindow(None)), []
    given, sigmas = Conditions(text, camera), explicit_sigmas((1.0,))
    chunks = stream_chunks(rollout, noise, None, given, sigmas, LAYOUT, lambda: asked.append(1))
    assert next(chunks).shape[2] == 3
    assert next(chunks).shape[2] == 2
    assert next(chunks, None) is None
    assert len(asked) == 4  # one step and one pass for the state, twice
