"""Checkpointed blocks give the same gradients; the selective policy computes no attention twice."""

from collections import Counter

import pytest
import torch
from small_backbone import random_backbone, random_conditions
from torch.utils._python_dispatch import TorchDispatchMode

from data_contracts.recipe import Recomputation
from model.causal import ChunkLayout
from model.recomputation import recompute_blocks

FRAMES = 4
ATTENTION = "aten::_scaled_dot_product_flash_attention_for_cpu"


class Calls(TorchDispatchMode):
    """How often each operator ran."""

    def __init__(self):
        super().__init__()
        self.count = Counter()

    def __torch_dispatch__(self, operator, _types, arguments=(), named=None):
        self.count[operator.name()] += 1
        return operator(*arguments, **(named or {}))


def trained(recomputation):
    model = random_backbone().train()
    recompute_blocks(model, recomputation)
    latents, text, camera = random_conditions(FRAMES)
    with Calls() as calls:
        velocity = model(latents, torch.full((1,), 500.0), text, camera, ChunkLayout.first_plus_one(FRAMES, 3))
        velocity.square().mean().backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None}
    return velocity.detach(), gradients, calls.count


@pytest.fixture(scope="module")
def plain():
    return trained(Recomputation.NONE)


@pytest.mark.parametrize("recomputation", [Recomputation.FULL, Recomputation.SELECTIVE])
def test_output_and_gradients_stay_the_same_to_the_bit(plain, recomputation):
    velocity, gradients, _ = trained(recomputation)
    assert torch.equal(velocity, plain[0])
    assert gradients.keys() == plain[1].keys()
    assert all(torch.equal(gradients[name], plain[1][name]) for name in gradients)


def test_full_computes_attention_again_and_selective_does_not(plain):
    attentions = plain[2][ATTENTION]
    assert attentions > 0
    assert trained(Recomputation.FULL)[2][ATTENTION] == 2 * attentions
    assert trained(Recomputation.SELECTIVE)[2][ATTENTION] == attentions
    assert trained(Recomputation.SELECTIVE)[2]["aten::silu"] > plain[2]["aten::silu"]


def test_a_pass_without_gradients_is_as_before(plain):
    model = random_backbone().eval()
    recompute_blocks(model, Recomputation.SELECTIVE)
    latents, text, camera = random_conditions(FRAMES)
    with torch.no_grad(), Calls() as calls:
        velocity = model(latents, torch.full((1,), 500.0), text, camera, ChunkLayout.first_plus_one(FRAMES, 3))
    assert torch.equal(velocity, plain[0])
    assert calls.count[ATTENTION] == plain[2][ATTENTION]
