"""The pose of one clip: cameras by its mode, metres by its depth or a prior, the measures the camera rules read."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from data_contracts.annotations import SourceAnnotations, read_annotations
from data_contracts.camera import IntrinsicsSource, PoseRow, PoseStatus, ScaleSource
from data_contracts.clip import ClipRow, PoseMode
from infra.stage import Json
from model.geometry.intrinsics import field_of_view, focal_mismatch
from model.geometry.se3 import path_length, rigid
from model.geometry.smoothness import path_smoothness
from tasks.pose.cameras import ClipPixels, PoseEngine, PoseError, RelativeCameras
from tasks.pose.config import PoseConfig
from tasks.pose.pixel_engine import PixelEngine
from tasks.pose.scale import ClipScale, RawScales, prior_scale, raw_scales, smooth_scale
from tasks.pose.source_engines import SourceDepthEngine, SourcePoseEngine
from tasks.vision.depth_engine import SensorDepthEngine
from tasks.vision.video import read_video

STEP_FLOOR = 0.002  # of the median depth: below it a camera is taken to turn on the spot
UNKNOWN_DEPTH = 1.0


@dataclass(frozen=True)
class PoseWork:
    """One clip of the ``ingest`` artifact and where that artifact lies."""

    row: ClipRow
    ingest: Path
    config: PoseConfig


def pose_clip(work: PoseWork, directory: Path) -> Json:
    """Write ``poses/<clip_id>.safetensors`` under ``directory``; the record is a ``PoseRow`` (without its path)."""
    row = work.row
    annotations = _annotations(work.ingest / "annotations" / f"{row.clip_id}.safetensors")
    engine = engine_for(row.pose_mode, work.config)
    named = {"clip_id": row.clip_id, "path": "", "mode": row.pose_mode, "engine": engine.name}
    named["engine_version"] = engine.version
    clip = ClipPixels(read_video(work.ingest / "media" / f"{row.clip_id}.mp4").frames, annotations)
    lens = _declared_measures(annotations, clip.size)
    try:
        cameras = engine.cameras(clip)
    except PoseError as error:
        failed = PoseRow(**named, **lens, status=PoseStatus.FAILED, reason=error.reason, detail=error.detail)
        return failed.model_dump(mode="json")
    scale = metric_scale(engine, clip, cameras, row, work.config)
    _write(directory / "poses" / f"{row.clip_id}.safetensors", cameras, scale)
    measured = PoseRow(**named, **_measures(cameras, scale), **_lens(cameras, lens, clip.size), status="ok")
    return measured.model_dump(mode="json")


def engine_for(mode: PoseMode, config: PoseConfig) -> PoseEngine:
    """The engine of an annotation mode: the one place that chooses."""
    match mode:
        case PoseMode.DEFAULT:
            return PixelEngine(config)
        case PoseMode.GT_DEPTH:
            return SourceDepthEngine(config)
        case PoseMode.GT_POSE:
            return SourcePoseEngine(config)


def metric_scale(
    engine: PoseEngine, clip: ClipPixels, cameras: RelativeCameras, row: ClipRow, config: PoseConfig
) -> ClipScale:
    """Metres per unit from metric depth where the source has any, else from its typical speed, marked as a prior."""
    metric = SensorDepthEngine(clip.annotations).metric_depth(clip.frames, cameras.intrinsics[:, 0])
    if metric is not None:
        raw = raw_scales(cameras.structure.pairs(metric, clip.size), config)
        if len(raw.values):
            smoothed = smooth_scale(raw, config)
            return ClipScale(engine.refine_scale(cameras, metric, raw, smoothed), metric.source, raw)
    travelled = (row.typical_speed or config.fallback_speed) * (len(clip.frames) - 1) / row.fps
    length, depth = path_length(cameras.camera_to_world), _median_depth(cameras)
    none = RawScales(np.zeros(0, dtype=np.int64), np.zeros(0))
    return ClipScale(prior_scale(length, depth, travelled, config), ScaleSource.SPEED_PRIOR, none)


def _annotations(path: Path) -> SourceAnnotations:
    return read_annotations(path) if path.exists() else SourceAnnotations()


def _median_depth(cameras: RelativeCameras) -> float:
    depth = cameras.structure.depth
    return float(np.median(depth)) if len(depth) else 0.0


def _measures(cameras: RelativeCameras, scale: ClipScale) -> dict[str, Json]:
    poses = _metric_poses(cameras, scale)
    floor = STEP_FLOOR * (_median_depth(cameras) * scale.value or UNKNOWN_DEPTH)
    smoothness = path_smoothness(poses, floor)
    structure = cameras.structure
    return {
        "scale": scale.value,
        "scale_source": scale.source,
        "scale_frames": len(scale.raw.values),
        "scale_cov": scale.raw.variation,
        "intrinsics_vary": cameras.intrinsics_vary,
        "rotation_step_deg": smoothness.rotation_step_deg,
        "rotation_jerk_deg": smoothness.rotation_jerk_deg,
        "translation_jerk": smoothness.translation_jerk,
        "path_length_m": path_length(poses),
        "registered_fraction": float(cameras.registered.mean()),
        "reprojection_px": structure.reprojection_px,
        "points": structure.points,
    }


def _lens(cameras: RelativeCameras, declared: dict[str, Json], size: tuple[int, int]) -> dict[str, Json]:
    """Measures of the declared intrinsics where the source ships some: those are what training would be told."""
    return declared or _lens_measures(cameras.intrinsics, size, cameras.intrinsics_source)


def _declared_measures(annotations: SourceAnnotations, size: tuple[int, int]) -> dict[str, Json]:
    intrinsics = annotations.intrinsics
    if intrinsics is None or len(intrinsics) == 0 or not np.isfinite(intrinsics).all() or intrinsics[:, :2].min() <= 0:
        return {}
    return _lens_measures(intrinsics, size, IntrinsicsSource.DECLARED)


def _lens_measures(intrinsics: np.ndarray, size: tuple[int, int], source: IntrinsicsSource) -> dict[str, Json]:
    horizontal, vertical = field_of_view(intrinsics, *size)
    return {
        "intrinsics_source": source,
        "fov_x_min": float(horizontal.min()),
        "fov_x_max": float(horizontal.max()),
        "fov_y_min": float(vertical.min()),
        "fov_y_max": float(vertical.max()),
        "focal_mismatch": float(focal_mismatch(intrinsics).max()),
    }


def _metric_poses(cameras: RelativeCameras, scale: ClipScale) -> np.ndarray:
    poses = cameras.camera_to_world
    return rigid(poses[:, :3, :3], poses[:, :3, 3] * scale.value)


def _write(path: Path, cameras: RelativeCameras, scale: ClipScale) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        "camera_to_world": _metric_poses(cameras, scale),
        "intrinsics": cameras.intrinsics.astype(np.float64),
        "scale_factors": scale.raw.values,
        "scale_frames": scale.raw.frames,
        "registered": cameras.registered,
    }
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, path)
