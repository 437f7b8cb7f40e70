"""The preflight: states to the byte, activations above what is really allocated, an error that names the parts."""

import weakref
from dataclasses import replace

import pytest
import torch
from small_backbone import HEIGHT, SMALL, WIDTH, random_backbone, random_conditions
from torch.utils._python_dispatch import TorchDispatchMode

from data_contracts.errors import ErrorCode, OperationError
from data_contracts.wire import GenerationMode
from model.causal import CacheWindow, ChunkLayout, RolloutState
from model.config import paper
from model.generation.memory import WeightSizes, demand_memory, free_bytes, memory_need, state_bytes
from model.generation.placement import Placement, Precision
from model.generation.sampling import SamplingPlan

CPU = Placement(torch.device("cpu"))
SIGMAS = torch.tensor([1.0, 0.0])


def streaming(frames, window=CacheWindow()):  # noqa: B008 - frozen
    return SamplingPlan(GenerationMode.STREAMING, ChunkLayout.streaming(frames, 3), SIGMAS, 1.0, window)


def tensors(value):
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from tensors(one)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from tensors(getattr(value, name))


@torch.no_grad()
@pytest.mark.parametrize(
    "window",
    [CacheWindow(), CacheWindow(3), CacheWindow(2, sink=False), CacheWindow(None)],
    ids=["sink", "sink and two", "no sink", "all"],
)
def test_the_state_is_told_to_the_byte(window):
    model, (latents, text, camera) = random_backbone(), random_conditions(16)
    plan, state, sizes = streaming(16, window), RolloutState(window=window), []
    for start, stop in plan.layout.chunks:
        chunk = latents[:, :, start:stop]
        _, state = model.advance(chunk, torch.zeros(1), text, camera.frames(start, stop), state)
        sizes.append(sum(tensor.nbytes for tensor in tensors(state.blocks)))
    assert max(sizes) == state_bytes(SMALL, plan, (HEIGHT, WIDTH), 4)


class PeakBytes(TorchDispatchMode):
    """Most bytes that were alive at once of storages made inside."""

    def __init__(self):
        super().__init__()
        self.now = self.peak = 0
        self.known = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, tuple | list) else (made,):
            if isinstance(tensor, torch.Tensor):
                self.count(tensor.untyped_storage())
        return made

    def count(self, storage):
        key = storage._cdata
        if key in self.known:
            return
        self.known.add(key)
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self.forget, key, storage.nbytes())

    def forget(self, key, size):
        self.known.discard(key)
        self.now -= size


@torch.no_grad()
def test_activations_are_an_upper_estimate_that_is_not_far_off():
    config, frames, grid = replace(SMALL, hidden=128, heads=2, depth=2, mlp_ratio=3), 9, (16, 24)
    model, layout = random_backbone(config), ChunkLayout.single(frames)
    _, text, camera = random_conditions(frames)
    latents = torch.randn(1, SMALL.latent_channels, frames, *grid)
    camera = replace(camera, packed_raymap=torch.randn(1, 48, frames, *grid))
    with PeakBytes() as tracked:
        model(latents, torch.tensor([500.0]), text, camera, layout)
    plan = SamplingPlan(GenerationMode.BIDIRECTIONAL, layout, SIGMAS, 1.0, CacheWindow())
    sizes = WeightSizes(backbone=0, blocks=0, refiner=0, encoders=0)
    need = memory_need(config, sizes, plan, grid, CPU)
    assert tracked.peak < need.total - need.pictures < 1.5 * tracked.peak


def test_the_published_cache_is_told():
    """``model_spec.md`` section 6: 0.55 GB of softmax cache, 30 MB of GDN states, conv and FFN tails, in bfloat16."""
    state = state_bytes(paper(), streaming(121), (22, 40), 2)
    assert 0.8e9 < state < 1.1e9
    assert state == state_bytes(paper(), streaming(961), (22, 40), 2)


def test_what_does_not_fit_is_refused_with_its_parts_and_a_fix():
    sizes = WeightSizes(backbone=2_662_000_000, blocks=2_600_000_000, refiner=0, encoders=2**30)
    plan = streaming(121)
    whole = memory_need(paper(), sizes, plan, (22, 40), CPU)
    half = memory_need(paper(), sizes, plan, (22, 40), Placement(CPU.device, Precision.BF16))
    visiting = memory_need(paper(), sizes, plan, (22, 40), Placement(CPU.device, Precision.BF16, offload=True))
    assert whole.weights == 2 * half.weights > 8 * visiting.weights
    demand_memory(whole, whole.total, "a minute")
    with pytest.raises(
        OperationError, match=r"a minute needs .* GiB \(weights 9\.92, .*\), free are 4\.00 GiB"
    ) as caught:
        demand_memory(whole, 4 * 2**30, "a minute")
    assert caught.value.code is ErrorCode.MEMORY_SHORT
    assert "--offload" in caught.value.fix
    assert free_bytes(CPU.device) > 2**20
