"""The refiner stage on one rank: pairs of both kinds, the merge is what the adapters say, the refiner loads."""

import torch
from safetensors.torch import load_file
from synthetic_latents import write_synthetic_latents
from training_jobs import one_rank, rank_job, recipe

from data_contracts.training import HeldOutReport
from infra.stage import SilentProgress
from model.checkpoints import checkpoint_info, save_checkpoint
from model.config import tiny, v2
from model.layers.initialization import build_backbone
from model.refiner.lora import merge_adapters
from model.refiner.store import load_refiner
from model.training.generators import named_generator
from tasks.refining.session import train_refiner


def test_refiner_stage(tmp_path):
    torch.set_num_threads(1)
    write_synthetic_latents(tmp_path / "latents", raw_frames=33)
    student = build_backbone(tiny(), v2(), named_generator(0))
    info = checkpoint_info(student, "self_forcing").model_copy(update={"chunk_frames": 3, "sigmas": [1.0, 0.764]})
    save_checkpoint(tmp_path / "self_forcing", student, info)
    config = one_rank(recipe("refiner_lora"), 2)
    config["latent_frames"], config["base"]["steps"], config["pairs"]["clips"] = 4, 2, 2
    inputs = {name: tmp_path / name for name in ("latents", "self_forcing")}
    train_refiner(rank_job("refiner_lora", inputs, tmp_path / "out", config), SilentProgress())

    base, lora, merged = (load_file(tmp_path / "out" / f"{name}.safetensors") for name in ("base", "lora", "merged"))
    again, report = merge_adapters(base, lora, strength=1.0)
    assert all(torch.equal(again[key], merged[key]) for key in merged)
    loaded = load_refiner(tmp_path / "out")
    assert loaded.info.merged == report.merged
    assert max(report.merged.values()) > 0
    assert loaded.info.sigmas == [0.909375, 0.725, 0.421875, 0.0]
    held_out = HeldOutReport.model_validate_json((tmp_path / "out" / "held_out.json").read_text())
    assert held_out.after != held_out.before
