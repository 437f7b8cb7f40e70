"""The ``evaluate`` stage: build the benchmark, make its videos, score them."""

import json
import resource
from collections.abc import Mapping, Sequence
from pathlib import Path

from jaxtyping import Float
from numpy import ndarray

from data_contracts.benchmark import BenchmarkResults, SubjectScore
from data_contracts.clip import AcceptedRow
from data_contracts.errors import ErrorCode, InputError
from data_contracts.report import StageSummary
from infra.stage import ClipJob, StageContext, digest_file, map_clips
from tasks.evaluation.build import BenchmarkItem, build_benchmark
from tasks.evaluation.config import EvaluateConfig, PoseEstimatorName
from tasks.evaluation.generation import GeneratedVideo, generate_videos
from tasks.evaluation.not_run import metrics_not_run
from tasks.evaluation.poses import EstimateItem, estimate_video, read_estimate
from tasks.evaluation.scenes import clip_cameras, held_out_clips, media_path, read_prompts, read_scene
from tasks.evaluation.scoring import ScoredVideo, Subject, score_subject, with_shuffled_cameras
from tasks.evaluation.trajectories import revisit_pairs
from tasks.vision.sfm import SfmOptions
from tasks.vision.tables import read_table

CHECKPOINT = "self_forcing"


def run_evaluate(context: StageContext[EvaluateConfig]) -> StageSummary:
    """Fill the ``evaluate`` artifact: ``benchmark/``, ``videos/``, ``results.json``, ``not_run.json``.

    Raises:
        InputError: the configuration names an estimator this build lacks.
    """
    config, output = context.config, context.outputs["evaluate"]
    if config.estimator is not PoseEstimatorName.EMBEDDED_SFM:
        raise InputError(
            ErrorCode.CONFIG_INVALID,
            f"estimator is {config.estimator.value}: this build has {PoseEstimatorName.EMBEDDED_SFM.value}",
            "use the embedded profile for evaluate",
        )
    accepted = read_table(context.inputs["filter_accepted"] / "accepted.parquet", AcceptedRow)
    prompts = read_prompts(context.inputs["latents"])
    chosen = held_out_clips(accepted, config.scenes_per_split)
    scenes = [read_scene(row, context.inputs, prompts) for row in chosen]
    items = build_benchmark(output / "benchmark", scenes, config)
    artifacts = (context.inputs[CHECKPOINT], context.inputs["latents"])
    videos = generate_videos(output / "videos", items, artifacts, config, context.progress)
    real = real_clips(accepted, config.real_clips)
    scores = score_all(context, videos, real)
    results = BenchmarkResults(
        estimator=config.estimator.value, alignment="benchmark (and umeyama where named)", scores=scores
    )
    (output / "results.json").write_text(results.model_dump_json(indent=1) + "\n")
    not_run = [entry.model_dump() for entry in metrics_not_run()]
    (output / "not_run.json").write_text(json.dumps(not_run, indent=1) + "\n")
    return StageSummary(items=len(videos), metrics={**_headline(scores), **_efficiency(videos)})


def score_all(
    context: StageContext[EvaluateConfig], videos: Sequence[GeneratedVideo], real: Sequence[AcceptedRow]
) -> list[SubjectScore]:
    """Model and control per split, then the real clips."""
    config = context.config
    ours = [_job(f"{video.item.split.value}/{video.item.id}", video.path, video.item) for video in videos]
    theirs = [(f"real/{row.clip_id}", media_path(row, context.inputs), _focal(context, row)) for row in real]
    jobs = [
        ClipJob(name, {"video": digest_file(path), "focal": focal}, EstimateItem(path, sfm_options(config, focal)))
        for name, path, focal in [*ours, *theirs]
    ]
    found = {result.name: read_estimate(result.directory) for result in map_clips(context, jobs, estimate_video)}
    scores = []
    for split in sorted({video.item.split for video in videos}, reverse=True):
        scored = [
            ScoredVideo(video.path, video.item.camera_to_world, found[name], video.item.pairs)
            for video, (name, _, _) in zip(videos, ours, strict=True)
            if video.item.split is split
        ]
        scores.append(score_subject(Subject("model", split.value, "asked"), scored, config))
        if len(scored) > 1:
            control = Subject("shuffled_camera", split.value, "of another scene")
            scores.append(score_subject(control, with_shuffled_cameras(scored), config))
    return scores + _score_real(context, real, found)


def real_clips(accepted: Sequence[AcceptedRow], count: int) -> list[AcceptedRow]:
    """Clips whose cameras are exact because they were rendered first, then held-out ones, one per scene."""
    rendered = [row for row in held_out_clips(accepted, len(accepted)) if row.origin == "splat"]
    others = [row for row in held_out_clips(accepted, len(accepted)) if row.origin != "splat"]
    return [*rendered, *others][:count]


def sfm_options(config: EvaluateConfig, focal: float) -> SfmOptions:
    """The embedded estimator, told the calibrated focal length (over the image width) as the benchmark provides it."""
    return SfmOptions(
        key_step=config.estimator_key_step,
        max_tracks=config.estimator_tracks,
        max_points=config.estimator_points,
        first_focals=(focal,),
        focal_known=True,
        max_error=1.0,
        settled_px=0.2,
        min_registered=config.estimator_min_registered,
        focal_gain=0.9,
        focal_range=0.03,
        timeout=config.estimator_timeout,
        seed=config.seed,
    )


def _score_real(
    context: StageContext[EvaluateConfig],
    real: Sequence[AcceptedRow],
    found: Mapping[str, Float[ndarray, "frames 4 4"] | None],
) -> list[SubjectScore]:
    scored = []
    for row in real:
        path = clip_cameras(row, context.inputs).camera_to_world
        gap = round(context.config.revisit_gap_seconds * row.fps)
        pairs = revisit_pairs(path, gap, context.config.revisit_pairs)
        scored.append(ScoredVideo(media_path(row, context.inputs), path, found[f"real/{row.clip_id}"], pairs))
    if not scored:
        return []
    exact = all(row.origin == "splat" for row in real)
    subject = Subject("real", "held_out", "exact (rendered)" if exact else "rendered or of the pose stage")
    return [score_subject(subject, scored, context.config)]


def _job(name: str, path: Path, item: BenchmarkItem) -> tuple[str, Path, float]:
    return name, path, float(item.scene.intrinsics[0]) / item.scene.clip.width


def _focal(context: StageContext[EvaluateConfig], row: AcceptedRow) -> float:
    return float(clip_cameras(row, context.inputs).intrinsics[0, 0]) / row.width


def _headline(scores: Sequence[SubjectScore]) -> dict[str, float]:
    """The figures MLflow shows; those that could not be measured are left out."""
    figures = {}
    for score in scores:
        key = f"{score.subject}.{score.split}"
        values = {
            "rotation_deg": score.pose.rotation_deg,
            "rotation_deg_all": score.pose.rotation_deg_all,
            "translation_m": score.pose.translation_m,
            "pose_failed": float(score.pose.failed),
            "revisit_psnr": score.revisit.psnr,
            "revisit_ssim": score.revisit.ssim,
            "drift": score.drift.delta,
        }
        figures |= {f"{key}.{name}": value for name, value in values.items() if value is not None}
    return figures


def _efficiency(videos: Sequence[GeneratedVideo]) -> dict[str, float]:
    """Times and memory: provenance, never artifact bytes."""
    seconds = sum(video.seconds for video in videos)
    shown = sum(len(video.item.camera_to_world) / video.item.scene.clip.fps for video in videos)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {
        "seconds_per_video": seconds / len(videos),
        "realtime": shown / max(seconds, 1e-9),
        "videos_per_hour": 3600 * len(videos) / max(seconds, 1e-9),
        "peak_memory_gib": peak,
    }
