"""The whole stage on a random model and a few small clips: layout, honesty, determinism."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from accepted_corpus import write_accepted_corpus
from tiny_bundle import write_checkpoint, write_encoders

from data_contracts.benchmark import BenchmarkResults, SceneTrajectories
from data_contracts.clip import AcceptedRow
from data_contracts.errors import InputError
from data_contracts.latents import LatentRow
from infra.stage import StageContext
from tasks.evaluation.build import read_manifest
from tasks.evaluation.config import EvaluateConfig
from tasks.evaluation.stage import run_evaluate
from tasks.vision.tables import read_table, write_table

RECIPES = Path(__file__).resolve().parents[3] / "workflows" / "recipes"


def recipe(name="tiny"):
    return yaml.safe_load((RECIPES / name / "evaluate.yaml").read_text())


def write_index(directory, accepted):
    rows = [
        LatentRow(
            clip_id=row.clip_id, shard="s", source=row.source, scene_id=row.scene_id, split=row.split,
            source_video_id=row.source_video_id, licence=row.licence, raw_frames=row.raw_frames, height=row.height,
            width=row.width, fps=row.fps, frames=3, latent_height=2, latent_width=3, caption="a striped wall",
            media_digest=row.media_digest, pose_digest=row.pose_digest, psnr=30, psnr_best=31,
        )
        for row in accepted
    ]  # fmt: skip
    write_table(directory / "index.parquet", rows, LatentRow)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    root = tmp_path_factory.mktemp("evaluate")
    inputs = write_accepted_corpus(root)
    accepted = read_table(inputs["filter_accepted"] / "accepted.parquet", AcceptedRow)
    latents = write_encoders(root / "latents")
    write_index(latents, accepted)
    return {**inputs, "latents": latents, "self_forcing": write_checkpoint(root / "self_forcing")}


def run(inputs, root, **changes):
    small = {
        "raw_frames": 41,
        "estimator_timeout": 5.0,
        "real_clips": 1,
        "window_seconds": 0.5,
        "estimator_tracks": 100,
    }
    config = EvaluateConfig.model_validate({**recipe(), "revisit_gap_seconds": 1.0, **small, **changes})
    output = root / "evaluate"
    output.mkdir(parents=True)
    # Equal videos share their estimated poses, which are the pose part's to test.
    cache = inputs["latents"].parent / "cache"
    context = StageContext("evaluate", inputs, {"evaluate": output}, config, cache=cache)
    return run_evaluate(context), output


@pytest.fixture(scope="module")
def evaluated(inputs, tmp_path_factory):
    return run(inputs, tmp_path_factory.mktemp("first"))


def digests(directory):
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_benchmark_has_its_published_layout(evaluated):
    _, output = evaluated
    root = output / "benchmark"
    for split in ("smooth", "hard"):
        home = root / f"benchmark_v2_{split}_2s"
        scenes = SceneTrajectories.model_validate_json((home / "scene_trajectories_v2.json").read_text()).scenes
        lines = read_manifest(home / "sanawm_export_v2" / "run_manifest.jsonl")
        assert [line.id for line in lines] == [scene.scene_id for scene in scenes] == ["plain_001", "plain_002"]
        for line in lines:
            assert (root / line.image_path).exists()
            arrays = np.load(root / line.camera_path, allow_pickle=False)
            assert arrays["c2w"].shape == (41, 4, 4)
            assert arrays["intrinsics"].shape == (41, 3, 3)
            assert (float(arrays["fps"]), int(arrays["num_frames"])) == (16.0, 41)
    assert (root / "scene_set" / "kept_scenes.txt").read_text().split() == ["plain_001", "plain_002"]


def test_every_path_has_its_video(evaluated):
    from tasks.vision.video import read_video

    summary, output = evaluated
    videos = sorted((output / "videos").rglob("*_generated.mp4"))
    assert len(videos) == summary.items == 4
    for video in videos:
        frames = read_video(video).frames
        assert frames.shape == (41, 64, 96, 3)
        assert frames.std() > 0


def test_failures_stay_in_the_denominator(evaluated):
    _, output = evaluated
    results = BenchmarkResults.model_validate_json((output / "results.json").read_text())
    subjects = [(score.subject, score.split) for score in results.scores]
    assert subjects == [
        ("model", "simple"),
        ("shuffled_camera", "simple"),
        ("model", "hard"),
        ("shuffled_camera", "hard"),
        ("real", "held_out"),
    ]
    for score in results.scores:
        assert score.pose.n == score.videos
        if score.pose.failed:
            assert score.pose.rotation_deg_all > score.pose.failed / score.pose.n * 180 - 1e-6
        assert score.revisit.pairs > 0 or score.subject == "real"


def test_what_was_not_run_is_listed_with_a_reason(evaluated):
    _, output = evaluated
    entries = json.loads((output / "not_run.json").read_text())
    names = {entry["metric"] for entry in entries}
    assert {"vbench_imaging_quality", "revisit_lpips", "pose_pi3x", "vbench_overall"} <= names
    assert all(len(entry["reason"]) > 20 for entry in entries)
    assert not names & {"revisit_psnr", "revisit_ssim"}


def test_times_are_metrics_and_never_bytes(evaluated):
    summary, output = evaluated
    assert summary.metrics["seconds_per_video"] > 0
    assert summary.metrics["realtime"] > 0
    assert "seconds_per" not in (output / "results.json").read_text()


def test_running_again_gives_the_same_bytes(evaluated, inputs, tmp_path):
    _, again = run(inputs, tmp_path)
    assert digests(again) == digests(evaluated[1])


def test_an_estimator_this_build_lacks_is_named(inputs, tmp_path):
    with pytest.raises(InputError, match="pi3x"):
        run(inputs, tmp_path, estimator="pi3x")


def test_both_recipes_fit_the_configuration():
    for name in ("tiny", "paper"):
        EvaluateConfig.model_validate(recipe(name))
    assert recipe("tiny").keys() == recipe("paper").keys()
    assert (recipe("paper")["scenes_per_split"], recipe("paper")["raw_frames"]) == (80, 961)
