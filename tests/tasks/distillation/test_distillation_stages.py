"""Both distillation stages on one rank, from small untrained parents: artifact files, records, equal bytes."""

import pytest
import torch
from synthetic_latents import write_synthetic_latents
from training_jobs import one_rank, rank_job, recipe

from data_contracts.training import HeldOutReport, RolloutReport, TrainingMetrics
from infra.stage import SilentProgress
from model.checkpoints import checkpoint_info, load_checkpoint, save_checkpoint
from model.config import tiny, v2
from model.layers.initialization import build_backbone
from model.training.generators import named_generator
from tasks.distillation.ode_init import train_ode_init
from tasks.distillation.self_forcing import train_self_forcing


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Latents, two parents, and ``ode_init`` trained from one of them."""
    torch.set_num_threads(1)
    home = tmp_path_factory.mktemp("distillation")
    write_synthetic_latents(home / "latents", raw_frames=49)
    for seed, name in enumerate(("chunk_causal", "quality_sft")):
        parent = build_backbone(tiny(), v2(), named_generator(seed))
        parent.final_layer.linear.weight.data.normal_(std=0.05, generator=named_generator(seed, "head"))
        save_checkpoint(home / name, parent, checkpoint_info(parent, name))
    _ode(home, "ode_init")
    return home


def _ode(home, output):
    config = one_rank(recipe("ode_init"), 2)
    config["trajectories"] = {"clips": 1, "substeps": 1, "guidance": 1.0}
    inputs = {name: home / name for name in ("latents", "chunk_causal")}
    return train_ode_init(rank_job("ode_init", inputs, home / output, config), SilentProgress())


def test_ode_init_writes_a_student_with_its_schedule(home):
    _, info = load_checkpoint(home / "ode_init")
    assert info.sigmas == [1.0, 0.967, 0.908, 0.764]
    assert info.chunk_frames == 3
    held_out = HeldOutReport.model_validate_json((home / "ode_init" / "held_out.json").read_text())
    assert held_out.after != held_out.before
    assert len(TrainingMetrics.model_validate_json((home / "ode_init" / "metrics.json").read_text()).loss) == 2


def test_ode_init_gives_the_same_bytes_again(home):
    _ode(home, "again")
    for path in (home / "ode_init").iterdir():
        assert path.read_bytes() == (home / "again" / path.name).read_bytes(), path.name


def test_self_forcing_rolls_out_ten_times_as_long(home):
    inputs = {name: home / name for name in ("latents", "ode_init", "quality_sft")}
    config = one_rank(recipe("self_forcing"), 2)
    config["matching"]["critic_steps"] = 1
    job = rank_job("self_forcing", inputs, home / "self_forcing", config)
    train_self_forcing(job, SilentProgress())
    rollout = RolloutReport.model_validate_json((home / "self_forcing" / "rollout.json").read_text())
    assert rollout.frames == 10 * rollout.training_frames == 70
    assert rollout.finite
    ratios = [value / rollout.pixel_deviation[0] for value in rollout.pixel_deviation]
    assert (min(ratios), max(ratios)) == pytest.approx((rollout.smallest_ratio, rollout.largest_ratio))
    student, _ = load_checkpoint(home / "self_forcing")
    parent, _ = load_checkpoint(home / "ode_init")
    assert any(not torch.equal(a, b) for a, b in zip(student.parameters(), parent.parameters(), strict=True))
