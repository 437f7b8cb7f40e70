"""Two and three gloo ranks give the outputs and gradients of one, for the whole backbone, at uneven frame counts."""

import multiprocessing
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from model.causal import ChunkLayout
from model.config import BackboneConfig, v2
from model.flow import flow_loss, flow_sample
from model.layers.initialization import build_backbone
from model.parallel import FrameShard
from model.parallel.reduce import sum_gradients, summed
from model.types import CameraConditioning, TextConditioning

FRAMES = 7
CONFIG = BackboneConfig(
    latent_channels=6,
    hidden=32,
    heads=2,
    depth=3,
    softmax_blocks=(2,),
    mixer="frame_gdn",
    camera_branch=True,
    mlp_ratio=2,
    caption_channels=8,
    text_tokens=4,
)
LAYOUTS = {"single": ChunkLayout.single(FRAMES), "chunked": ChunkLayout(FRAMES, (0, 2, 4))}


def run(config: BackboneConfig, layout: ChunkLayout, shard: FrameShard | None) -> dict[str, torch.Tensor]:
    """Loss, velocity and gradients of one step on fixed data; every weight is random so that no branch is silent."""
    generator = torch.Generator().manual_seed(0)
    model = build_backbone(config, v2(), generator)
    for parameter in model.parameters():
        parameter.data.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    latents, noise = torch.randn(2, 1, 6, FRAMES, 2, 3, generator=generator)
    text = TextConditioning(torch.randn(1, 4, 8, generator=generator), torch.tensor([[1, 1, 1, 0]]))
    poses = torch.eye(4).repeat(1, FRAMES, 1, 1)
    poses[..., :3, 3] = torch.randn(1, FRAMES, 3, generator=generator)
    lens = torch.tensor([2.0, 2.0, 1.0, 0.5]).expand(1, FRAMES, 4)
    raymap = torch.randn(1, 48, FRAMES, 2, 3, generator=generator)
    camera = CameraConditioning(torch.cat((poses.flatten(2), lens), -1), raymap) if config.camera_branch else None
    indices = torch.randint(1000, (1, FRAMES), generator=generator)
    sample = flow_sample(latents, noise, indices, 3.0, torch.tensor([True])).on(shard)
    here = camera.frames(shard.start, shard.stop) if shard and camera else camera
    velocity = model(sample.noisy, sample.timesteps, text, here, layout, shard)
    loss = flow_loss(velocity, sample)
    loss.backward()
    sum_gradients(model.parameters(), shard)
    result = {name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None}
    return {**result, "loss": summed(loss, shard), "velocity": velocity.detach()}


def _rank(rank: int, world: int, folder: str, config: BackboneConfig) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world)
    shard = FrameShard(FRAMES, rank, world)
    torch.save({name: run(config, layout, shard) for name, layout in LAYOUTS.items()}, f"{folder}/{rank}.pt")
    dist.barrier()
    dist.destroy_process_group()


def run_ranks(world: int, config: BackboneConfig) -> list[dict[str, dict[str, torch.Tensor]]]:
    """One process per rank; returns what each computed."""
    with tempfile.TemporaryDirectory() as folder:
        context = multiprocessing.get_context("fork")
        ranks = [context.Process(target=_rank, args=(rank, world, folder, config)) for rank in range(world)]
        for process in ranks:
            process.start()
        for process in ranks:
            process.join(120)
            if process.is_alive():
                process.kill()
        return [torch.load(Path(folder) / f"{rank}.pt", weights_only=True) for rank in range(world)]


def relative(value: torch.Tensor, expected: torch.Tensor) -> float:
    return float((value - expected).norm() / expected.norm().clamp_min(1e-12))


@pytest.mark.parametrize("world", [2, 3])
def test_ranks_equal_one_rank(world: int) -> None:
    results = run_ranks(world, CONFIG)
    for name, layout in LAYOUTS.items():
        alone = run(CONFIG, layout, None)
        velocity = torch.cat([result[name].pop("velocity") for result in results], dim=2)
        assert relative(velocity, alone.pop("velocity")) < 1e-5
        assert alone.keys() == results[0][name].keys()
        for key, expected in alone.items():
            for result in results:
                assert relative(result[name][key], expected) < 1e-4, (name, key)


def test_linear_mixer_shards_too() -> None:
    config = replace(CONFIG, mixer="linear", camera_branch=False, softmax_blocks=())
    results = run_ranks(2, config)
    alone = run(config, LAYOUTS["chunked"], None)
    for key, expected in alone.items():
        if key != "velocity":
            assert relative(results[1]["chunked"][key], expected) < 1e-4, key


def test_rank_shares_are_contiguous_and_uneven() -> None:
    shards = [FrameShard(121, rank, 2) for rank in range(2)]
    assert [(shard.start, shard.stop) for shard in shards] == [(0, 61), (61, 121)]
    with pytest.raises(ValueError, match="must not exceed"):
        FrameShard(2, 0, 3)
