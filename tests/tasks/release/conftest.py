"""Finished artifacts of a small run, written by hand: a random student, four clips, one evaluated video."""

import json

import numpy as np
import pytest
from accepted_corpus import write_accepted_corpus
from PIL import Image
from release_recipe import recipe
from tiny_bundle import write_checkpoint, write_encoders
from tiny_refiner import write_tiny_refiner

from data_contracts.benchmark import (
    BenchmarkResults,
    DriftScore,
    ManifestLine,
    PoseScore,
    RevisitScore,
    SubjectScore,
)
from data_contracts.clip import AcceptedRow
from data_contracts.latents import LatentRow
from data_contracts.training import HeldOutReport, RolloutReport
from tasks.release.config import ReleaseConfig
from tasks.vision.tables import read_table, write_table
from tasks.vision.video import write_video


def write_latents(root, accepted):
    latents = write_encoders(root / "latents")
    rows = [
        LatentRow(
            clip_id=row.clip_id, shard="s", source=row.source, scene_id=row.scene_id, split=row.split,
            source_video_id=row.source_video_id, licence=row.licence, raw_frames=row.raw_frames, height=row.height,
            width=row.width, fps=row.fps, frames=3, latent_height=2, latent_width=3, caption="a striped wall",
            media_digest=row.media_digest, pose_digest=row.pose_digest, psnr=30, psnr_best=31,
        )
        for row in accepted
    ]  # fmt: skip
    write_table(latents / "index.parquet", rows, LatentRow)
    return latents


def write_student(root):
    student = write_checkpoint(root / "self_forcing")
    held_out = HeldOutReport(
        objective="critic", before=1.0, after=0.9, fall=0.1, before_shuffled_cameras=None,
        after_shuffled_cameras=None, clips=2, noise_levels=3, clip_ids=["a", "b"],
    )  # fmt: skip
    rollout = RolloutReport(
        frames=110, training_frames=11, finite=True, pixel_deviation=[1.0, 0.9], smallest_ratio=0.9, largest_ratio=1.0
    )
    (student / "held_out.json").write_text(held_out.model_dump_json())
    (student / "rollout.json").write_text(rollout.model_dump_json())
    return student


def write_evaluation(root):
    evaluate = root / "evaluate"
    videos, export = (
        evaluate / "videos" / "simple",
        evaluate / "benchmark" / "benchmark_v2_smooth_1s" / "sanawm_export_v2",
    )
    images = evaluate / "benchmark" / "images"
    for folder in (videos, export, images):
        folder.mkdir(parents=True)
    frames = np.random.default_rng(0).integers(0, 256, (17, 64, 96, 3), np.uint8)
    write_video(videos / "plain_001_generated.mp4", frames, 16.0)
    Image.fromarray(frames[0]).save(images / "plain_001.png")
    line = ManifestLine(id="plain_001", prompt="a wall", image_path="images/plain_001.png", camera_path="x.npz")
    (export / "run_manifest.jsonl").write_text(line.model_dump_json() + "\n")
    pose = PoseScore(
        n=1, failed=1, rotation_deg=None, rotation_deg_all=180, rotation_deg_umeyama=None, translation_m=None,
        camera_motion=None,
    )  # fmt: skip
    drift = DriftScore(scorer="s", windows=1, first=0.5, last=0.5, delta=0)
    score = SubjectScore(
        subject="model", split="simple", cameras="asked", videos=1, pose=pose,
        revisit=RevisitScore(pairs=1, psnr=12.0, ssim=0.3), drift=drift,
    )  # fmt: skip
    results = BenchmarkResults(estimator="embedded_sfm", alignment="benchmark", scores=[score])
    (evaluate / "results.json").write_text(results.model_dump_json())
    (evaluate / "not_run.json").write_text(json.dumps([]))
    return evaluate


@pytest.fixture
def inputs(tmp_path):
    inputs = write_accepted_corpus(tmp_path)
    accepted = read_table(inputs["filter_accepted"] / "accepted.parquet", AcceptedRow)
    return {
        **inputs,
        "refiner_lora": write_tiny_refiner(tmp_path / "refiner_lora"),
        "latents": write_latents(tmp_path, accepted),
        "self_forcing": write_student(tmp_path),
        "evaluate": write_evaluation(tmp_path),
    }


@pytest.fixture
def config():
    return ReleaseConfig.model_validate(recipe())
