"""The training stages end to end on a small artifact: chain of parents, artifact files, equal bytes, equal ranks."""

import json

import pytest
import torch
from safetensors.torch import load_file
from synthetic_latents import write_synthetic_latents
from training_jobs import one_rank, rank_job, recipe

from data_contracts.checkpoint import TransferReport
from data_contracts.errors import InputError
from data_contracts.training import HeldOutReport, TrainingMetrics
from infra.stage import SilentProgress, StageContext
from infra.warm import WarmResources
from model.checkpoints import load_checkpoint
from model.config import tiny
from tasks.training.config import TrainingConfig
from tasks.training.session import starting_point, train_stage
from tasks.training.stage import run_training

CHAIN = ("vae_adaptation", "frame_gdn", "hybrid_attention", "minute_camera", "quality_sft", "chunk_causal")
STEPS = 3


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def latents(tmp_path_factory):
    directory = tmp_path_factory.mktemp("data") / "latents"
    write_synthetic_latents(directory, raw_frames=41)
    return directory


@pytest.fixture(scope="module")
def chain(latents, tmp_path_factory):
    """All six stages, each from the one before."""
    home, inputs = tmp_path_factory.mktemp("chain"), {"latents": latents}
    for name in CHAIN:
        train_stage(rank_job(name, inputs, home / name, one_rank(recipe(name), STEPS)), SilentProgress())
        inputs[name] = home / name
    return home


def test_every_stage_writes_the_artifact(chain):
    for name in CHAIN:
        files = sorted(path.name for path in (chain / name).iterdir())
        assert files == ["held_out.json", "metrics.json", "model.json", "model.safetensors", "transfer.json"]
        metrics = TrainingMetrics.model_validate_json((chain / name / "metrics.json").read_text())
        assert len(metrics.loss) == STEPS
        held_out = HeldOutReport.model_validate_json((chain / name / "held_out.json").read_text())
        assert (held_out.before_shuffled_cameras is None) == (name in CHAIN[:3])
        assert held_out.fall == pytest.approx(1 - held_out.after / held_out.before)


def test_architectures_follow_the_recipes(chain):
    kinds = []
    for name in CHAIN:
        model, info = load_checkpoint(chain / name)
        kinds.append((model.config.mixer, model.config.softmax_blocks, model.config.camera_branch, info.chunk_frames))
    softmax = tiny().softmax_blocks
    assert kinds == [
        ("linear", (), False, 0),
        ("frame_gdn", (), False, 0),
        ("frame_gdn", softmax, False, 0),
        ("frame_gdn", softmax, True, 0),
        ("frame_gdn", softmax, True, 0),
        ("frame_gdn", softmax, True, 3),
    ]


def test_transfer_reports_name_their_rules(chain):
    rules = [TransferReport.model_validate_json((chain / name / "transfer.json").read_text()).rules for name in CHAIN]
    assert [[rule.partition(":")[0] for rule in stage] for stage in rules] == [
        [],
        ["linear_to_gdn"],
        ["gdn_to_hybrid"],
        ["add_camera"],
        [],
        [],
    ]


def test_new_camera_branches_leave_the_parent_as_it_was(chain, latents):
    """Before its first step ``minute_camera`` has its parent's loss, and cameras do not matter yet."""
    config = TrainingConfig.model_validate(recipe("minute_camera"))
    job = rank_job(
        "minute_camera", {"latents": latents, "hybrid_attention": chain / "hybrid_attention"}, chain / "x", {}
    )
    child, (parent, _) = starting_point(job, config).model, load_checkpoint(chain / "hybrid_attention")
    for name, value in parent.state_dict().items():
        assert torch.equal(child.state_dict()[name], value)
    held_out = json.loads((chain / "minute_camera" / "held_out.json").read_text())
    assert held_out["before"] == held_out["before_shuffled_cameras"]


def test_the_same_inputs_give_the_same_bytes(chain, latents, tmp_path):
    inputs = {"latents": latents, "hybrid_attention": chain / "hybrid_attention"}
    job = rank_job("minute_camera", inputs, tmp_path / "again", one_rank(recipe("minute_camera"), STEPS))
    train_stage(job, SilentProgress())
    for path in (chain / "minute_camera").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_the_objective_falls(latents, tmp_path):
    config = one_rank(recipe("vae_adaptation"), 16, global_batch=2)
    train_stage(rank_job("vae_adaptation", {"latents": latents}, tmp_path / "out", config), SilentProgress())
    held_out = HeldOutReport.model_validate_json((tmp_path / "out" / "held_out.json").read_text())
    assert held_out.fall > 0.02


def test_two_ranks_train_as_one(chain, latents, tmp_path):
    """Context parallel and data parallel worlds of two under real torchrun against a world of one."""
    warm = WarmResources()
    try:
        for name, parent, size in (("quality_sft", "minute_camera", 2), ("frame_gdn", "vae_adaptation", 1)):
            inputs = {"latents": latents, parent: chain / parent}
            alone = one_rank(recipe(name), 1, global_batch=2 // size)
            alone["held_out"] |= {"clips": 1, "noise_levels": 1}
            train_stage(rank_job(name, inputs, tmp_path / name / "alone", alone), SilentProgress())
            together = {**alone, "parallel": {**alone["parallel"], "world_size": 2, "context_parallel": size}}
            output = tmp_path / name / "together"
            output.mkdir()
            run_training(
                StageContext(
                    name=name,
                    inputs=inputs,
                    outputs={name: output},
                    config=TrainingConfig.model_validate(together),
                    warm=warm,
                )
            )
            _same_training(tmp_path / name / "alone", output, same_draws=size == 2)
    finally:
        warm.close()


def _same_training(alone, together, same_draws):
    one, two = (TrainingMetrics.model_validate_json((path / "metrics.json").read_text()) for path in (alone, together))
    before = [json.loads((path / "held_out.json").read_text())["before"] for path in (alone, together)]
    assert before[0] == pytest.approx(before[1], rel=1e-5)
    if not same_draws:  # every data-parallel group draws noise of its own
        assert one.loss[0] == pytest.approx(two.loss[0], rel=0.5)
        return
    assert one.loss == pytest.approx(two.loss, rel=1e-4)
    weights = [load_file(path / "model.safetensors") for path in (alone, together)]
    difference = sum(float((weights[0][key] - weights[1][key]).square().sum()) for key in weights[0])
    size = sum(float(value.square().sum()) for value in weights[0].values())
    # Adam with so small an epsilon turns rounding noise in near-zero gradients into whole steps of the rate.
    assert (difference / size) ** 0.5 < 1e-2


def test_a_recipe_that_no_rule_leads_to_is_refused(chain, latents, tmp_path):
    config = {**one_rank(recipe("vae_adaptation"), 1), "parent": "minute_camera"}
    inputs = {"latents": latents, "minute_camera": chain / "minute_camera"}
    job = rank_job("vae_adaptation", inputs, tmp_path / "out", config)
    child = starting_point(job, TrainingConfig.model_validate(config))
    assert child.transfer.dropped  # a narrower child drops keys, and says so
    broken = tmp_path / "broken"
    broken.mkdir()
    with pytest.raises(InputError):
        starting_point(
            rank_job("frame_gdn", {"latents": latents, "vae_adaptation": broken}, tmp_path / "other", {}),
            TrainingConfig.model_validate(recipe("frame_gdn")),
        )
