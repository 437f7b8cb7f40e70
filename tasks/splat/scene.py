"""A Gaussian scene in metres: its splats, its training cameras, and how its scale was measured."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int64
from safetensors import SafetensorError
from safetensors.numpy import load_file

from data_contracts.errors import ErrorCode, InputError
from model.geometry.intrinsics import in_view, project, resize_intrinsics
from model.geometry.se3 import inverse
from tasks.vision.gaussians import Gaussians, read_gaussian_ply
from tasks.vision.projection import Camera
from tasks.vision.rasterizer import render

_FEWEST_PAIRS = 50
_MOST_MAPS = 8  # the median of a few hundred pairs a view settles long before
_SURFACE_TOLERANCE = 0.15  # of the depth: a centre this close to the rendered surface belongs to it
_EDGE_RATIO = 1.25  # neighbouring sensor values further apart than this lie on two surfaces


@dataclass(frozen=True)
class TrainingViews:
    """The cameras a scene was fitted from.

    Attributes:
        camera_to_world: OpenCV, in the scene's units.
        intrinsics: fx fy cx cy in pixels of ``size``.
        size: height and width.
        sensor_depth: metres, 0 = none; None where the source has no sensor.
        sensor_frames: the training view of each depth map.
    """

    camera_to_world: Float[np.ndarray, "views 4 4"]
    intrinsics: Float[np.ndarray, "views 4"]
    size: tuple[int, int]
    sensor_depth: Float[np.ndarray, "maps map_height map_width"] | None
    sensor_frames: Int64[np.ndarray, " maps"] | None


@dataclass(frozen=True)
class MetricScene:
    """A scene in metres; ``views`` hold metric poses."""

    gaussians: Gaussians
    views: TrainingViews
    metres_per_unit: float


def read_views(path: Path) -> TrainingViews:
    """Read ``scenes/<id>.safetensors``.

    Raises:
        InputError: the file is broken, or holds no finite camera.
    """
    try:
        tensors = load_file(path)
        poses, intrinsics = tensors["camera_to_world"], tensors["intrinsics"]
        size = tensors["size"]
    except (OSError, SafetensorError, KeyError) as error:
        raise _unusable(path, str(error)) from error
    if len(poses) == 0 or not (np.isfinite(poses).all() and np.isfinite(intrinsics).all()):
        raise _unusable(path, f"{len(poses)} training cameras, or values that are not finite")
    return TrainingViews(
        camera_to_world=poses.astype(np.float64),
        intrinsics=intrinsics.astype(np.float64),
        size=(int(size[0]), int(size[1])),
        sensor_depth=tensors.get("sensor_depth"),
        sensor_frames=tensors.get("sensor_depth_frames"),
    )


def load_metric_scene(ply: Path, views_path: Path) -> MetricScene | None:
    """Read a scene and bring it to metres by its sensor depth; None when no scale can be measured.

    Raises:
        InputError: the PLY or the cameras cannot be used.
    """
    gaussians, views = read_gaussian_ply(ply), read_views(views_path)
    scale = metric_scale(gaussians, views)
    if scale is None:
        return None
    poses = views.camera_to_world.copy()
    poses[:, :3, 3] *= scale
    metric = TrainingViews(poses, views.intrinsics, views.size, views.sensor_depth, views.sensor_frames)
    return MetricScene(gaussians.scaled(scale), metric, scale)


def metric_scale(gaussians: Gaussians, views: TrainingViews) -> float | None:
    """Metres per scene unit: the median of ``_view_scale`` over at most eight views; None when no view has one."""
    if views.sensor_depth is None or views.sensor_frames is None:
        return None
    step = max(1, -(-len(views.sensor_frames) // _MOST_MAPS))
    ratios = [
        ratio
        for depth, view in zip(views.sensor_depth[::step], views.sensor_frames[::step], strict=True)
        if 0 <= view < len(views.camera_to_world)
        and (ratio := _view_scale(gaussians, views, int(view), depth)) is not None
    ]
    return float(np.median(ratios)) if ratios else None


def _view_scale(
    gaussians: Gaussians, views: TrainingViews, view: int, sensor: Float[np.ndarray, "map_height map_width"]
) -> float | None:
    """Median of sensor depth over the depth of the Gaussian centres on the visible surface; None with under 50 pairs.

    Centres are compared rather than the rendered depth, which lies nearer by up to a splat's width on slanted surfaces;
    the rendering only tells which centres are hidden.
    """
    intrinsics = resize_intrinsics(views.intrinsics[view], views.size, sensor.shape)
    camera = Camera.at(torch.from_numpy(views.camera_to_world[view]), torch.from_numpy(intrinsics), *sensor.shape)
    surface = render(gaussians, camera)
    pose = inverse(views.camera_to_world[view : view + 1])[0]
    points = gaussians.means.double().numpy() @ pose[:3, :3].T + pose[:3, 3]
    points = points[points[:, 2] > 0]
    pixels, depth = project(points, intrinsics), points[:, 2]
    inside = in_view(pixels, depth, *sensor.shape)
    pixels, depth = pixels[inside], depth[inside]
    column, row = np.rint(pixels).astype(int).T
    seen = surface.depth.numpy()[row, column]
    on_surface = np.abs(depth - seen) < _SURFACE_TOLERANCE * seen
    measured = _interpolated(sensor, pixels[on_surface])
    ratio = measured / depth[on_surface]
    ratio = ratio[np.isfinite(ratio)]
    return float(np.median(ratio)) if len(ratio) >= _FEWEST_PAIRS else None


def _interpolated(
    sensor: Float[np.ndarray, "map_height map_width"], pixels: Float[np.ndarray, "points 2"]
) -> Float[np.ndarray, "points"]:
    """Sensor depth between its values, linear in inverse depth (exact on planes); NaN beside gaps and edges."""
    left, top = np.floor(pixels).astype(int).T
    kept = (left >= 0) & (top >= 0) & (left < sensor.shape[1] - 1) & (top < sensor.shape[0] - 1)
    left, top = np.where(kept, left, 0), np.where(kept, top, 0)
    corners = np.stack([sensor[top + dy, left + dx] for dy in (0, 1) for dx in (0, 1)]).astype(np.float64)
    whole = kept & (corners.min(axis=0) > 0) & (corners.max(axis=0) < _EDGE_RATIO * corners.min(axis=0))
    fx, fy = pixels[:, 0] - left, pixels[:, 1] - top
    weights = np.stack([(1 - fy) * (1 - fx), (1 - fy) * fx, fy * (1 - fx), fy * fx])
    inverse_depth = np.sum(weights / np.where(whole, corners, 1), axis=0)
    return np.where(whole, 1 / inverse_depth, np.nan)


def _unusable(path: Path, why: str) -> InputError:
    return InputError(
        ErrorCode.CAMERA_INVALID, f"training cameras {path.name}: {why}", "give a transforms.json with finite cameras"
    )
