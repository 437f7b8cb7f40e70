"""Plans of the three modes: chunks, noise levels, passes; and which sampler runs."""

import pytest
import torch
from small_backbone import random_backbone, random_conditions

from data_contracts.bundle import BundleInfo
from data_contracts.wire import GenerationMode
from model.flow.guidance import Conditions
from model.flow.samplers import sample_bidirectional, sample_staggered, sample_streaming
from model.flow.schedule import STREAMING_SIGMAS
from model.generation.sampling import plan_sampling, sample

INFO = BundleInfo(
    version="0" * 64,
    height=704,
    width=1280,
    fps=16,
    chunk_frames=3,
    cached_chunks=2,
    sink=True,
    streaming_sigmas=list(STREAMING_SIGMAS),
    steps=60,
    shift=9.8,
    guidance=5.0,
)


@pytest.mark.parametrize(
    ("mode", "chunks", "passes", "largest"),
    [
        (GenerationMode.STREAMING, 40, 40 * 5, 4),
        (GenerationMode.TEACHER, 40, 118, 242),
        (GenerationMode.BIDIRECTIONAL, 1, 60, 242),
    ],
)
def test_a_minute_is_planned_as_published(mode, chunks, passes, largest):
    plan = plan_sampling(INFO, mode, 121, None)
    assert (len(plan.layout.chunks), plan.passes, plan.largest_pass) == (chunks, passes, largest)


def test_steps_replace_the_schedule():
    assert plan_sampling(INFO, GenerationMode.BIDIRECTIONAL, 13, 7).passes == 7
    own = plan_sampling(INFO, GenerationMode.STREAMING, 13, 4).sigmas
    assert torch.allclose(own[:-1], torch.tensor(STREAMING_SIGMAS))
    assert len(plan_sampling(INFO, GenerationMode.STREAMING, 13, 6).sigmas) == 7


@torch.no_grad()
@pytest.mark.parametrize("mode", GenerationMode)
def test_each_mode_runs_its_own_sampler(mode):
    model, (noise, text, camera) = random_backbone(), random_conditions(7)
    plan = plan_sampling(INFO.model_copy(update={"guidance": 1.0}), mode, 7, 2)
    given = Conditions(text, camera)
    sampled = torch.cat(list(sample(model, plan, noise, None, given)), dim=2)
    ours = {
        GenerationMode.STREAMING: sample_streaming(model, noise, None, given, plan.sigmas, plan.layout, plan.window),
        GenerationMode.TEACHER: sample_staggered(model, noise, None, given, plan.sigmas, plan.layout),
        GenerationMode.BIDIRECTIONAL: sample_bidirectional(model, noise, None, given, plan.sigmas),
    }
    assert torch.equal(sampled, ours[mode])
    others = [plan_sampling(INFO.model_copy(update={"guidance": 1.0}), other, 7, 2) for other in GenerationMode]
    for other in (one for one in others if one.mode is not mode):
        assert not torch.equal(sampled, torch.cat(list(sample(model, other, noise, None, given)), dim=2))
