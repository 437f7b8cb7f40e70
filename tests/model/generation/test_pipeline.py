"""A random tiny checkpoint makes videos: deterministic, chunk after chunk, stoppable."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_bundle import write_tiny_bundle

from data_contracts.errors import ErrorCode, InputError
from data_contracts.wire import GenerationMode
from model.generation.action_path import walk_forward
from model.generation.first_frame import default_intrinsics
from model.generation.pipeline import GENERATION_THREADS, WorldPipeline
from model.generation.request import GenerationRequest


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_tiny_bundle(tmp_path_factory.mktemp("pipeline"))


@pytest.fixture(scope="module")
def pipeline(bundle):
    threads = torch.get_num_threads()
    torch.set_num_threads(GENERATION_THREADS)
    yield WorldPipeline.load(bundle)
    torch.set_num_threads(threads)


@pytest.fixture
def request_():
    path = walk_forward(41)
    image = np.random.default_rng(0).integers(0, 256, (80, 120, 3), np.uint8)
    return GenerationRequest(image, "a room", path, np.tile(default_intrinsics(80, 120), (len(path), 1)))


@pytest.mark.parametrize("mode", GenerationMode)
def test_a_video_has_as_many_frames_as_its_path(pipeline, request_, mode):
    frames = pipeline.generate(replace(request_, mode=mode))
    assert frames.shape == (41, 64, 96, 3)
    assert frames.dtype == np.uint8
    assert frames.std() > 0


def test_equal_requests_give_equal_frames_and_another_seed_does_not(pipeline, request_):
    first, second = pipeline.generate(request_), pipeline.generate(request_)
    other = pipeline.generate(replace(request_, seed=7))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_frames_come_chunk_after_chunk(pipeline, request_):
    chunks = list(pipeline.stream(request_))
    # Six latent frames: 3 + 6 mod 3 = 3 in the first chunk, which is 17 raw frames, then 3 more, 24 raw frames.
    assert [len(chunk) for chunk in chunks] == [17, 24]


def test_the_first_frame_is_the_image_as_the_codec_sees_it(pipeline, request_):
    image = np.full((64, 96, 3), 90, np.uint8)
    frames = pipeline.generate(replace(request_, image=image, intrinsics=np.tile(default_intrinsics(64, 96), (41, 1))))
    assert np.abs(frames[0].astype(int) - 90).max() <= 2


def test_text_alone_is_enough(pipeline, request_):
    frames = pipeline.generate(replace(request_, image=None, intrinsics=np.tile(default_intrinsics(64, 96), (41, 1))))
    assert len(frames) == 41


@pytest.mark.parametrize("mode", GenerationMode)
def test_a_check_that_raises_stops_before_the_next_pass(pipeline, request_, mode):
    class StoppedError(Exception):
        pass

    calls = []

    def check():
        calls.append(1)
        if len(calls) == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        list(pipeline.stream(replace(request_, mode=mode), check))
    assert len(calls) == 2
    assert len(pipeline.generate(request_)) == 41  # the hook is gone


def test_a_broken_bundle_is_coded(bundle, tmp_path):
    with pytest.raises(InputError) as caught:
        WorldPipeline.load(tmp_path)
    assert caught.value.code is ErrorCode.WEIGHTS_INVALID
