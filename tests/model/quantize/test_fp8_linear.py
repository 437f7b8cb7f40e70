"""FP8 layers: close to what they replace, rows that do not disturb each other, the camera branch untouched."""

from dataclasses import replace

import pytest
import torch
from small_backbone import random_backbone, random_conditions

from data_contracts.errors import InputError
from kernels.rows import quantize_rows
from model.causal import ChunkLayout
from model.generation.placement import Placement, Precision
from model.layers.feed_forward import TemporalConv
from model.quantize.fp8_linear import Fp8Linear, Fp8TemporalConv, replace_layers, to_fp8


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def distance(found, expected):
    return float((found.float() - expected.float()).norm() / expected.float().norm())


def test_a_layer_is_close_to_the_one_it_replaces():
    weight, bias, features = drawn(48, 64, seed=1), drawn(48, seed=2).bfloat16(), drawn(2, 3, 5, 64).bfloat16()
    layer = Fp8Linear(weight, bias)
    found = layer(features)
    assert found.shape == (2, 3, 5, 48)
    assert found.dtype == torch.bfloat16
    assert 1e-3 < distance(found, torch.nn.functional.linear(features.float(), weight, bias.float())) < 5e-2


def test_a_large_row_costs_no_other_row_its_precision():
    features = drawn(4, 64)
    loud = features.clone()
    loud[0] *= 1e4
    quiet, disturbed = (quantize_rows(one) for one in (features, loud))
    assert torch.equal(quiet.codes[1:].float(), disturbed.codes[1:].float())
    assert torch.equal(quiet.scale[1:], disturbed.scale[1:])


def test_a_row_of_zeros_stays_zero():
    rows = quantize_rows(torch.zeros(2, 16))
    assert rows.codes.float().abs().sum() == 0
    assert rows.scale.isfinite().all()


@pytest.mark.parametrize("seen", [None, torch.tensor([1.0, 0.0, 1.0, 0.0])], ids=["all", "chunks"])
def test_the_temporal_convolution_in_both_forms(seen):
    plain = TemporalConv(32)
    with torch.no_grad():
        plain.weight.copy_(drawn(32, 32, 3, 1, seed=3))
    packed = Fp8TemporalConv(plain.weight.detach())
    frames = drawn(1, 4, 6, 32).bfloat16()
    whole = plain.alone(frames.float(), seen).detach()
    assert distance(packed.alone(frames, seen), whole) < 5e-2
    extended = torch.nn.functional.pad(frames, (0, 0, 0, 0, 1, 1))
    assert distance(plain(extended.float(), seen).detach(), whole) < 1e-6
    assert distance(packed(extended, seen), whole) < 5e-2


def test_a_backbone_with_fp8_layers_stays_close_and_its_camera_branch_as_it_was():
    model = random_backbone().bfloat16()
    latents, text, camera = random_conditions(4)
    latents = latents.bfloat16()
    text = replace(text, states=text.states.bfloat16())
    camera = replace(camera, packed_raymap=camera.packed_raymap.bfloat16())
    arguments = (latents, torch.full((1,), 500.0), text, camera, ChunkLayout.single(4))
    with torch.no_grad():
        before = model(*arguments)
        for block in model.blocks:
            replace_layers(block)
        after = model(*arguments)
    assert 1e-4 < distance(after, before) < 0.2
    names = dict(model.named_parameters())
    assert any("q_proj_cam.weight" in name for name in names)
    assert not any(".qkv.weight" in name for name in names)


def test_where_it_cannot_run_it_says_so():
    with pytest.raises(InputError, match="needs an NVIDIA GPU"):
        to_fp8(random_backbone())
    with pytest.raises(InputError, match="offload"):
        Placement.best(Precision.FP8, offload=True)
