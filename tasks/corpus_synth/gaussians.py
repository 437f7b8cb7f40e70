"""Gaussian scenes: RGB-D frames lifted to one flat Gaussian per pixel, joined on a voxel grid."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from tasks.corpus_synth.raster import View, render_color, render_surface
from tasks.corpus_synth.scene import Scene

BAND_0 = 0.28209479177387814  # Y_00, the constant spherical harmonic
REST_COEFFICIENTS = 45
FLATNESS = 0.15  # thickness over width
OPACITY = 0.96


@dataclass(frozen=True)
class GaussianCloud:
    """Gaussians in metres, world axes; ``rotation`` columns are the axes, the third one the surface normal."""

    centre: Float[np.ndarray, "n 3"]
    color: Float[np.ndarray, "n 3"]
    scale: Float[np.ndarray, "n 3"]
    rotation: Float[np.ndarray, "n 3 3"]


def lift(scene: Scene, views: list[View], size: tuple[int, int], voxel: float) -> GaussianCloud:
    """Lift every view at ``size`` pixels and keep the first Gaussian of each voxel.

    Args:
        scene: the world.
        views: cameras whose surfaces become Gaussians.
        size: width and height at which a view is lifted; coarser means fewer, larger Gaussians.
        voxel: edge in metres of the grid on which Gaussians of different views are joined.
    """
    parts = [_lift_view(scene, view.resampled(*size)) for view in views]
    cloud = GaussianCloud(*(np.concatenate(field) for field in zip(*map(_fields, parts), strict=True)))
    cells = np.floor(cloud.centre / voxel).astype(np.int64)
    _, first = np.unique(cells, axis=0, return_index=True)
    return GaussianCloud(*(field[np.sort(first)] for field in _fields(cloud)))


def write_ply(path: Path, cloud: GaussianCloud, units_per_metre: float) -> None:
    """The INRIA layout: binary little-endian float32, degree-3 harmonics of which only the constant is used."""
    names = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"]
    names += [f"f_rest_{index}" for index in range(REST_COEFFICIENTS)]
    names += ["opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"]
    count = len(cloud.centre)
    quaternion = Rotation.from_matrix(cloud.rotation).as_quat(canonical=True)[:, [3, 0, 1, 2]]
    columns = [
        cloud.centre * units_per_metre,
        np.zeros((count, 3)),
        (cloud.color - 0.5) / BAND_0,
        np.zeros((count, REST_COEFFICIENTS)),
        np.full((count, 1), np.log(OPACITY / (1 - OPACITY))),
        np.log(cloud.scale * units_per_metre),
        quaternion,
    ]
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {count}"]
    header += [*(f"property float {name}" for name in names), "end_header", ""]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("\n".join(header).encode() + np.concatenate(columns, axis=1).astype("<f4").tobytes())


def _fields(cloud: GaussianCloud) -> tuple[np.ndarray, ...]:
    return cloud.centre, cloud.color, cloud.scale, cloud.rotation


def _lift_view(scene: Scene, view: View) -> GaussianCloud:
    depth, normal = render_surface(scene, view)
    color = render_color(scene, view)
    fx, fy, cx, cy = view.intrinsics
    v, u = np.nonzero(depth > 0)
    z, n = depth[v, u], normal[v, u]
    ray = np.stack([(u - cx) / fx, (v - cy) / fy, np.ones_like(z)], axis=1)
    rotation = view.camera_to_world[:3, :3]
    centre = (ray * z[:, None]) @ rotation.T + view.camera_to_world[:3, 3]
    toward = (ray / np.linalg.norm(ray, axis=1, keepdims=True)) @ rotation.T
    facing = np.clip(np.abs(np.sum(toward * n, axis=1)), 0.25, 1)
    # The footprint of a pixel, longer along the direction in which the surface slants away.
    width = 0.6 * z / fx
    along = toward - np.sum(toward * n, axis=1, keepdims=True) * n
    along = _unit(np.where(np.linalg.norm(along, axis=1, keepdims=True) > 1e-3, along, _any_tangent(n)))
    axes = np.stack([along, np.cross(n, along), n], axis=2)
    scale = np.stack([width / facing, width, width * FLATNESS], axis=1)
    return GaussianCloud(centre, color[v, u] / 255.0, scale, axes)


def _any_tangent(normal: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    helper = np.where(np.abs(normal[:, :1]) < 0.9, np.array([1.0, 0, 0]), np.array([0, 1.0, 0]))
    return np.cross(normal, helper)


def _unit(vector: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    return vector / np.linalg.norm(vector, axis=1, keepdims=True)
