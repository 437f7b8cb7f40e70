"""The probe finds the profile that weights were fitted under, and says so when it cannot tell."""

import pytest
import torch
from small_backbone import SMALL, random_backbone, random_conditions

from model.backbone import SanaWM
from model.causal import ChunkLayout
from model.config import Numerics, diffusers, v1, v2
from model.probe import Probe, ProbeMode, compare, not_applicable, recommend, run_under
from model.training.example import Example
from model.training.generators import named_generator

FRAMES = 7
SIGMAS = (1.0, 0.8)


def probe(mode: ProbeMode) -> Probe:
    return Probe(mode, 3, SIGMAS, noise_levels=2, seed=0)


def clips(count: int = 2) -> list[Example]:
    return [Example(*random_conditions(FRAMES, seed)) for seed in range(count)]


PLANTED = Probe(ProbeMode.TEACHER, 1, (), noise_levels=2, seed=0)
"""Three frames in two chunks: few enough tokens for an output layer that fits all of them."""


@torch.no_grad()
def fitted(numerics: Numerics, clip: Example) -> SanaWM:
    """A random network whose output layer says the probe's own targets, under one profile."""
    model = random_backbone(SMALL, numerics)
    layer = model.final_layer.linear
    features: list[torch.Tensor] = []
    targets: list[torch.Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _, given: features.append(given[0][:, 1:].flatten(0, -2)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("model.probe.flow_loss", lambda _, sample: targets.append(sample.target[:, :, 1:]) or 0.0)
        PLANTED.losses(model, [clip])
    hook.remove()
    rows = torch.cat([torch.cat((one, torch.ones(len(one), 1)), 1) for one in features]).double()
    wanted = torch.cat([one.permute(0, 2, 3, 4, 1).flatten(0, -2) for one in targets]).double()
    solved = torch.linalg.lstsq(rows, wanted).solution.float()
    layer.weight.data, layer.bias.data = solved[:-1].T.contiguous(), solved[-1].contiguous()
    return model


@pytest.mark.parametrize("planted", [v1(), v2()], ids=lambda one: one.name)
def test_the_profile_that_weights_were_fitted_under_is_recommended(planted: Numerics) -> None:
    clip = Example(*random_conditions(3))
    model = fitted(planted, clip)
    losses = {one.name: PLANTED.losses(run_under(model, one), [clip]) for one in (v1(), v2())}
    ranked = compare(losses)
    other = "v2" if planted.name == "v1" else "v1"
    assert ranked[0].profile == planted.name
    assert ranked[0].loss < 1e-3 * ranked[1].loss
    assert recommend(ranked, stated=other)[0] == planted.name


@pytest.mark.parametrize("mode", list(ProbeMode))
def test_profiles_differ_in_every_mode_and_equal_ones_do_not(mode: ProbeMode) -> None:
    model = random_backbone()
    under_v2 = probe(mode).losses(run_under(model, v2()), clips())
    assert len(under_v2) == 2 * len(SIGMAS)
    assert under_v2 == probe(mode).losses(model, clips())
    assert under_v2 != probe(mode).losses(run_under(model, v1()), clips())


@torch.no_grad()
def test_a_single_streamed_chunk_is_the_whole_clip_at_the_same_level() -> None:
    clip, model = Example(*random_conditions(4)), random_backbone()
    noise = torch.randn(clip.latents.shape, generator=named_generator(0, "probe", 0, 0))
    sigma = torch.tensor([0.0, 0.5, 0.5, 0.5])
    noisy = (1 - sigma[:, None, None]) * clip.latents + sigma[:, None, None] * noise
    velocity = model(noisy, 1000 * sigma[None, None], clip.text, clip.camera, ChunkLayout.single(4))
    expected = (velocity - (noise - clip.latents))[:, :, 1:].square().mean()
    measured = Probe(ProbeMode.STREAMING, 3, (0.5,), 1, 0).losses(model, [clip])
    assert measured == [pytest.approx(float(expected), rel=1e-5)]


def test_diffusers_is_left_out_where_it_cannot_run() -> None:
    assert not_applicable(ProbeMode.STREAMING, diffusers())
    assert not_applicable(ProbeMode.TEACHER, diffusers())
    assert not not_applicable(ProbeMode.BIDIRECTIONAL, diffusers())
    assert not not_applicable(ProbeMode.TEACHER, v1())


def test_profiles_that_cannot_be_told_apart_keep_the_stated_one() -> None:
    noisy = compare({"v1": [1.0, 3.0, 1.0, 3.0], "v2": [2.0, 1.9, 2.1, 2.0], "diffusers": [9.0, 9.0, 9.1, 9.0]})
    assert noisy[0].against_best == 0
    kept, reason = recommend(noisy, stated="v1")
    assert kept == "v1"
    assert "cannot be told apart" in reason
    assert recommend(noisy, stated="diffusers")[0] == noisy[0].profile
    assert recommend(compare({"v1": [1.0, 1.0], "v2": [1.0, 1.0]}), stated="v2")[0] == "v2"
    sure, _ = recommend(compare({"v1": [1.0, 1.1, 0.9], "v2": [2.0, 2.1, 1.9]}), stated="v2")
    assert sure == "v1"
