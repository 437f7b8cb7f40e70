"""A bundle with a refiner refines on request: the first latent stays, every pass can be stopped, a seed decides."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_bundle import RUN, write_checkpoint, write_encoders, write_tiny_bundle
from tiny_refiner import write_tiny_refiner

from data_contracts.errors import InputError
from model.generation.action_path import walk_forward
from model.generation.bundle import write_bundle
from model.generation.first_frame import default_intrinsics
from model.generation.pipeline import GENERATION_THREADS, WorldPipeline
from model.generation.refining import RefinerJob
from model.generation.request import GenerationRequest


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    threads = torch.get_num_threads()
    torch.set_num_threads(GENERATION_THREADS)
    root = tmp_path_factory.mktemp("refining")
    parts = write_checkpoint(root / "checkpoint"), write_encoders(root / "encoders")
    write_bundle(root / "bundle", *parts, RUN, write_tiny_refiner(root / "refiner"))
    yield WorldPipeline.load(root / "bundle")
    torch.set_num_threads(threads)


@pytest.fixture
def request_():
    path = walk_forward(25)
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    lens = np.tile(default_intrinsics(64, 96), (len(path), 1))
    return GenerationRequest(image, "a room", path, lens, refine=True)


def test_refining_changes_all_but_the_first_frame_and_keeps_the_count(pipeline, request_):
    refined, plain = pipeline.generate(request_), pipeline.generate(replace(request_, refine=False))
    assert refined.shape == plain.shape
    assert np.array_equal(refined[0], plain[0])
    assert not np.array_equal(refined[1:], plain[1:])
    assert np.array_equal(refined, pipeline.generate(request_))


def test_stage_one_can_be_kept_and_refined_later(pipeline, request_):
    kept = list(pipeline.coarse(request_))
    later = np.concatenate(list(pipeline.finish(kept, request_)))
    assert np.array_equal(later, pipeline.generate(request_))


def test_every_pass_of_both_stages_is_announced(pipeline, request_):
    calls = []
    list(pipeline.stream(request_, lambda: calls.append(1)))
    assert len(calls) == pipeline.passes(request_)
    assert pipeline.passes(request_) == pipeline.plan(request_).passes + 3


def test_the_refiner_can_be_stopped_and_its_hook_leaves(pipeline, request_):
    class StoppedError(Exception):
        pass

    def stop():
        raise StoppedError

    chunks = list(pipeline.coarse(request_))
    with pytest.raises(StoppedError):
        list(pipeline.refiner.refine(chunks, RefinerJob("a room", 1, stop)))
    assert len(list(pipeline.refiner.refine(chunks, RefinerJob("a room", 1, lambda: None)))) == 1


def test_noise_of_the_two_stages_is_not_the_same(pipeline, request_):
    chunks = [torch.zeros(1, 128, 2, 2, 3)]
    refined = torch.cat(list(pipeline.refiner.refine(chunks, RefinerJob("a", 42, lambda: None))), dim=2)
    stage_one = torch.randn(1, 128, 2, 2, 3, generator=torch.Generator().manual_seed(42))
    overlap = torch.corrcoef(torch.stack((refined[:, :, 1:].flatten(), stage_one[:, :, 1:].flatten())))[0, 1]
    assert abs(overlap) < 0.15


def test_a_bundle_without_a_refiner_refuses(tmp_path, request_):
    pipeline = WorldPipeline.load(write_tiny_bundle(tmp_path))
    with pytest.raises(InputError, match="holds no refiner"):
        pipeline.generate(request_)
