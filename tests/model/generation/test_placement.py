"""bfloat16 weights give nearly the same velocity and keep states in float32; visiting blocks change no bit."""

import pytest
import torch
from small_backbone import random_backbone, random_conditions

from data_contracts.errors import InputError
from model.causal import ChunkLayout, RolloutState
from model.generation.placement import Placement, Precision, VisitingBlock, place

CPU = torch.device("cpu")
LAYOUT = ChunkLayout(5, (0, 3))


@torch.no_grad()
def velocity(model):
    latents, text, camera = random_conditions(5)
    return model(latents, torch.tensor([500.0]), text, camera, LAYOUT)


@torch.no_grad()
def test_bfloat16_is_near_float32_and_its_states_are_float32():
    exact, half = random_backbone(), random_backbone()
    place(half, Placement(CPU, Precision.BF16))
    assert {parameter.dtype for parameter in half.parameters()} == {torch.bfloat16}
    expected, rounded = velocity(exact), velocity(half)
    assert rounded.dtype == torch.float32
    error = (expected - rounded).square().mean().sqrt() / expected.square().mean().sqrt()
    assert 1e-5 < error < 0.03
    latents, text, camera = random_conditions(3)
    _, state = half.advance(latents, torch.zeros(1), text, camera, RolloutState())
    assert state.blocks[0].mixer.main.matrix.dtype == torch.float32
    assert state.blocks[0].mixer.camera.dtype == torch.float32


def test_float32_is_left_as_it_is():
    model, same = random_backbone(), random_backbone()
    place(same, Placement(CPU))
    assert torch.equal(velocity(model), velocity(same))


def test_a_visiting_block_changes_no_bit_and_goes_home_even_after_an_error():
    model, visited = random_backbone(), random_backbone()
    visitors = [VisitingBlock(block, CPU) for block in visited.blocks]
    homes = {name: parameter.data_ptr() for name, parameter in visited.blocks.named_parameters()}
    assert torch.equal(velocity(model), velocity(visited))
    with pytest.raises(TypeError):
        visited.blocks[0](None)
    assert homes == {name: parameter.data_ptr() for name, parameter in visited.blocks.named_parameters()}
    assert len(visitors) == len(visited.blocks)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@torch.no_grad()
def test_visiting_blocks_leave_the_gpu_again():
    model, visited = random_backbone(), random_backbone()
    gpu = torch.device("cuda")
    place(model, Placement(gpu))
    place(visited, Placement(gpu, offload=True))
    latents, text, camera = random_conditions(5)
    text, camera = (type(one)(*(value.cuda() for value in vars(one).values())) for one in (text, camera))
    inputs = (latents.cuda(), torch.tensor([500.0], device=gpu), text, camera, LAYOUT)
    assert torch.equal(model(*inputs), visited(*inputs))
    assert {parameter.device.type for parameter in visited.blocks.parameters()} == {"cpu"}
    assert next(visited.x_embedder.parameters()).device.type == "cuda"


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_offload_without_a_gpu_is_refused():
    with pytest.raises(InputError, match="--offload needs a GPU"):
        Placement.best(offload=True)
