"""Exact rendering of planar polygons: an id buffer, then 1/z and texture coordinates that are linear in the pixel.

For a plane n.X = d in camera axes and the ray r = K^-1 (u, v, 1): 1/z = (n/d).r, and an affine texture coordinate
s = m.X + m4 gives s/z = m.r + m4/z. The Jacobian of the homography (u, v) -> (s, t) has determinant det(H) z^3, which
selects the pyramid level.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from tasks.corpus_synth.atlas import LEVELS, Atlas
from tasks.corpus_synth.clipping import clip_polygon
from tasks.corpus_synth.scene import Mesh, Scene

NEAR = 0.05
SUBPIXEL_BITS = 4
LEVEL_BIAS = 0.5  # texels are averaged over slightly more than a sub-pixel: no shimmer on slanted ground


@dataclass(frozen=True)
class View:
    """A pinhole camera at a moment: OpenCV camera to world, metres; pixels with centres at integers."""

    camera_to_world: Float[np.ndarray, "4 4"]
    intrinsics: Float[np.ndarray, "4"]
    width: int
    height: int
    seconds: float = 0.0

    def resampled(self, width: int, height: int) -> "View":
        """The same field of view on another pixel grid."""
        scale = np.array([width / self.width, height / self.height])
        focal = self.intrinsics[:2] * scale
        centre = (self.intrinsics[2:] + 0.5) * scale - 0.5
        return View(self.camera_to_world, np.concatenate([focal, centre]), width, height, self.seconds)


@dataclass(frozen=True)
class Planes:
    """Per polygon: what is linear in the pixel, and where to fill.

    Attributes:
        inverse_depth, s_over_z, t_over_z: coefficients of (u, v, 1).
        edges: per edge a function that is negative inside: the plane through the camera and the edge.
        outlines: polygons in pixels, None where nothing is visible.
        distance: mean corner distance, for the painter's order.
    """

    inverse_depth: Float[np.ndarray, "faces 3"]
    s_over_z: Float[np.ndarray, "faces 3"]
    t_over_z: Float[np.ndarray, "faces 3"]
    edges: Float[np.ndarray, "faces 4 3"]
    outlines: list[np.ndarray | None]
    distance: Float[np.ndarray, "faces"]


def render_color(scene: Scene, view: View, supersampling: float = 1.5) -> UInt8[np.ndarray, "height width 3"]:
    """One RGB frame, averaged down from ``supersampling`` times the width and height."""
    fine = view.resampled(round(view.width * supersampling), round(view.height * supersampling))
    planes, ids, inverse_depth = _draw(scene, fine)
    color = _texture(scene.atlas, planes, ids, inverse_depth)
    return cv2.resize(color, (view.width, view.height), interpolation=cv2.INTER_AREA)


def render_depth(scene: Scene, view: View) -> Float[np.ndarray, "height width"]:
    """Exact z-depth in metres at the pixel centres, 0 where there is none (sky)."""
    return _surface(scene, view)[0]


def render_surface(
    scene: Scene, view: View
) -> tuple[Float[np.ndarray, "height width"], Float[np.ndarray, "height width 3"]]:
    """Exact z-depth as ``render_depth`` gives it, and the unit surface normal in world axes."""
    depth, ids = _surface(scene, view)
    corners = np.concatenate([scene.shell.corners, scene.objects_at(view.seconds).corners])
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return depth, (normal / np.linalg.norm(normal, axis=1, keepdims=True))[ids]


def _surface(scene: Scene, view: View) -> tuple[Float[np.ndarray, "height width"], Int[np.ndarray, "height width"]]:
    planes, ids, _ = _draw(scene, view)
    inverse = _linear(planes.inverse_depth, ids)
    has_depth = np.concatenate([scene.shell.has_depth, scene.objects_at(view.seconds).has_depth])
    valid = has_depth[ids] & (inverse > 0)
    return np.where(valid, 1.0 / np.where(valid, inverse, 1.0), 0.0), ids


def _draw(
    scene: Scene, view: View
) -> tuple[Planes, Int[np.ndarray, "height width"], Float32[np.ndarray, "height width"]]:
    """Polygon coefficients, polygon id per pixel, and 1/z in single precision."""
    objects = scene.objects_at(view.seconds)
    shell = _project(scene.shell, view)
    body = _project(objects, view)
    ids = np.zeros((view.height, view.width), np.int32)
    for face in np.argsort(-shell.distance, kind="stable"):
        outline = shell.outlines[face]
        if outline is not None:
            cv2.fillConvexPoly(ids, outline, int(face), lineType=cv2.LINE_8, shift=SUBPIXEL_BITS)
    ids = ids.astype(np.intp)
    nearest = _linear(shell.inverse_depth.astype(np.float32), ids)
    for face, outline in enumerate(body.outlines):
        if outline is not None:
            window = _window(outline, view)
            _draw_tested(ids, nearest, body, face, face + len(shell.outlines), window)
    return _joined(shell, body), ids, nearest


def _window(outline: np.ndarray, view: View) -> tuple[int, int, int, int]:
    """First and end column, first and end row of the part of the picture that an outline may touch."""
    pixels = outline.reshape(-1, 2) / (1 << SUBPIXEL_BITS)
    size = (view.width, view.height)
    x0, y0 = (int(edge) for edge in np.clip(np.floor(pixels.min(0)), 0, size))
    x1, y1 = (int(edge) for edge in np.clip(np.ceil(pixels.max(0)) + 1, 0, size))
    return x0, x1, y0, y1


def _draw_tested(
    ids: Int[np.ndarray, "height width"],
    nearest: Float32[np.ndarray, "height width"],
    planes: Planes,
    face: int,
    number: int,
    window: tuple[int, int, int, int],
) -> None:
    """Fill one polygon, within a window, where its pixels are inside and nearer than what is there (in place)."""
    x0, x1, y0, y1 = window
    columns, rows = np.arange(x0, x1, dtype=np.float32), np.arange(y0, y1, dtype=np.float32)[:, None]
    a, b, c = planes.inverse_depth[face].astype(np.float32)
    inverse = a * columns + (b * rows + c)
    before = nearest[y0:y1, x0:x1]
    visible = inverse > before
    for a, b, c in planes.edges[face].astype(np.float32):
        visible &= a * columns <= -(b * rows + c)
    np.copyto(before, inverse, where=visible)
    np.copyto(ids[y0:y1, x0:x1], number, where=visible)


def _project(mesh: Mesh, view: View) -> Planes:
    world_from_camera = view.camera_to_world
    rotation, position = world_from_camera[:3, :3], world_from_camera[:3, 3]
    corners = (mesh.corners - position) @ rotation
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    offset = np.einsum("fc,fc->f", normal, corners[:, 0])
    faces_camera = offset < -1e-12
    fx, fy, cx, cy = view.intrinsics
    ray_from_pixel = np.array([[1 / fx, 0, -cx / fx], [0, 1 / fy, -cy / fy], [0, 0, 1]])
    inverse_depth = normal / np.where(faces_camera, offset, -1.0)[:, None] @ ray_from_pixel
    texture = mesh.texture @ world_from_camera
    over_z = texture[:, :, :3] @ ray_from_pixel + texture[:, :, 3:] * inverse_depth[:, None]
    return Planes(
        inverse_depth=inverse_depth,
        s_over_z=over_z[:, 0],
        t_over_z=over_z[:, 1],
        edges=np.cross(corners, np.roll(corners, -1, axis=1)) @ ray_from_pixel,
        outlines=_outlines(corners, faces_camera, view),
        distance=np.linalg.norm(corners.mean(1), axis=1),
    )


def _outlines(corners: Float[np.ndarray, "faces 4 3"], visible: np.ndarray, view: View) -> list[np.ndarray | None]:
    """Screen polygons in fixed point; those that cross the near plane or leave a wide guard band are clipped."""
    fx, fy, cx, cy = view.intrinsics
    x, y, z = corners[..., 0], corners[..., 1], corners[..., 2]
    left, right = (-0.5 - cx) / fx, (view.width - 0.5 - cx) / fx
    top, bottom = (-0.5 - cy) / fy, (view.height - 0.5 - cy) / fy
    outside = (x < left * z).all(1) | (x > right * z).all(1) | (y < top * z).all(1) | (y > bottom * z).all(1)
    visible = visible & ~outside & (z > NEAR).any(1)
    guard = 4 * max(-left, right, -top, bottom)
    inside = ((z > NEAR) & (np.abs(x) < guard * z) & (np.abs(y) < guard * z)).all(1)
    whole = visible & inside
    depth = np.where(whole[:, None], z, 1.0)[..., None]
    pixels = np.round((corners[..., :2] / depth * (fx, fy) + (cx, cy)) * (1 << SUBPIXEL_BITS))
    fixed = np.where(whole[:, None, None], pixels, 0).astype(np.int32)[:, :, None]
    outlines: list[np.ndarray | None] = [fixed[face] if whole[face] else None for face in range(len(corners))]
    for face in np.flatnonzero(visible & ~inside):
        polygon = clip_polygon(corners[face], NEAR, guard)
        if len(polygon) >= 3:
            clipped = polygon[:, :2] / polygon[:, 2:] * (fx, fy) + (cx, cy)
            outlines[face] = np.round(clipped * (1 << SUBPIXEL_BITS)).astype(np.int32)[:, None]
    return outlines


def _joined(first: Planes, second: Planes) -> Planes:
    return Planes(
        np.concatenate([first.inverse_depth, second.inverse_depth]),
        np.concatenate([first.s_over_z, second.s_over_z]),
        np.concatenate([first.t_over_z, second.t_over_z]),
        np.concatenate([first.edges, second.edges]),
        first.outlines + second.outlines,
        np.concatenate([first.distance, second.distance]),
    )


def _linear(coefficients: np.ndarray, ids: Int[np.ndarray, "height width"]) -> np.ndarray:
    """Evaluate ``a u + b v + c`` with the coefficients of each pixel's polygon."""
    height, width = ids.shape
    pixel_type = np.real(coefficients).dtype
    columns, rows = np.arange(width, dtype=pixel_type), np.arange(height, dtype=pixel_type)[:, None]
    value = coefficients[:, 0].take(ids, mode="clip")
    value *= columns
    value += coefficients[:, 1].take(ids, mode="clip") * rows
    value += coefficients[:, 2].take(ids, mode="clip")
    return value


def _texture(
    atlas: Atlas,
    planes: Planes,
    ids: Int[np.ndarray, "height width"],
    inverse_depth: Float32[np.ndarray, "height width"],
) -> UInt8[np.ndarray, "height width 3"]:
    depth = 1.0 / np.maximum(inverse_depth, np.float32(1e-6))
    # Both coordinates at once as one complex number s + i t: half the look-ups, and remap reads it as pairs.
    texel = _linear((planes.s_over_z + 1j * planes.t_over_z).astype(np.complex64), ids) * depth
    homography = np.stack([planes.s_over_z, planes.t_over_z, planes.inverse_depth], axis=1)
    log_determinant = np.log2(np.abs(np.linalg.det(homography)) + 1e-30).astype(np.float32)
    # Half-octave pyramid: one level per factor of two in texel area.
    level = log_determinant.take(ids, mode="clip") + 3 * np.log2(depth) + np.float32(0.5 + LEVEL_BIAS)
    level = np.clip(level, 0, LEVELS - 1).astype(np.intp)
    texel *= atlas.scale.take(level, mode="clip")
    corner = (0.5 + 0.5j) * atlas.scale - (0.5 + 0.5j) + 1j * atlas.offset
    texel += corner.astype(np.complex64).take(level, mode="clip")
    pairs = texel.view(np.float32).reshape(*texel.shape, 2)
    # A map of pairs needs no second map, which the stubs do not know.
    return cv2.remap(  # pyright: ignore[reportCallIssue]
        atlas.stacked,
        pairs,
        None,  # pyright: ignore[reportArgumentType]
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
