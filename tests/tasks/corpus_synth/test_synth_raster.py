import cv2
import numpy as np
import pytest

from tasks.corpus_synth.paths import Family, Lens, film
from tasks.corpus_synth.raster import render_color, render_depth, render_surface


def warp_to(track, source, target, depth):
    """Pixel of ``source`` that each pixel of ``target`` sees, by the target's depth and both cameras."""
    height, width = depth.shape
    u, v = np.meshgrid(np.arange(width), np.arange(height))
    fx, fy, cx, cy = track.intrinsics[target]
    points = np.stack([(u - cx) / fx * depth, (v - cy) / fy * depth, depth, np.ones_like(depth)], axis=-1)
    inside = points @ (np.linalg.inv(track.camera_to_world[source]) @ track.camera_to_world[target]).T
    fx, fy, cx, cy = track.intrinsics[source]
    return inside[..., 0] / inside[..., 2] * fx + cx, inside[..., 1] / inside[..., 2] * fy + cy, inside[..., 2]


@pytest.mark.parametrize(("world", "family"), [("room", Family.ZOOM), ("corridor", Family.LOOP)])
def test_depth_and_cameras_carry_one_frame_onto_another(request, world, family):
    scene = request.getfixturevalue(world)
    track = film(
        scene,
        family,
        Lens(320, 192, 70.0),
        1.25 if world == "corridor" else 0.6,
        np.arange(81) / 16,
        np.random.default_rng(3),
    )
    source, target = 40, 46
    depth = render_depth(scene, track.view(target))
    x, y, z = warp_to(track, source, target, depth)
    first = render_color(scene, track.view(source)).astype(np.float32)
    second = render_color(scene, track.view(target)).astype(np.float32)
    warped = cv2.remap(first, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)
    other = cv2.remap(
        render_depth(scene, track.view(source)).astype(np.float32),
        x.astype(np.float32),
        y.astype(np.float32),
        cv2.INTER_LINEAR,
    )
    seen = (depth > 0) & (x > 1) & (x < 318) & (y > 1) & (y < 190) & (np.abs(other / z - 1) < 0.01)
    assert seen.mean() > 0.4
    aligned = np.abs(warped - second).mean(-1)[seen].mean()
    unaligned = np.abs(first - second).mean(-1)[seen].mean()
    assert aligned < 4
    assert aligned < 0.2 * unaligned


def test_depth_of_a_wall_is_exact(room):
    """Straight at the far wall from the middle of the room, along +z, above the furniture's height."""
    from tasks.corpus_synth.raster import View

    camera = np.eye(4)
    camera[1, 3] = -1.5
    view = View(camera, np.array([200.0, 200.0, 159.5, 95.5]), 320, 192)
    depth, normal = render_surface(room, view)
    wall = room.shell.corners[2, 0, 2]
    on_wall = np.isclose(normal, [0, 0, -1], atol=1e-9).all(-1) & np.isclose(depth, wall, atol=1e-6)
    assert on_wall.mean() > 0.05
    floor = np.isclose(normal, [0, -1, 0], atol=1e-9).all(-1) & (depth > 0)
    rows, columns = np.nonzero(floor)
    heights = (rows - 95.5) / 200.0 * depth[rows, columns] - 1.5
    # Floor pixels lie on the floor, or on the top of a box: never between surfaces.
    tops = np.unique(np.round(np.concatenate([[0.0], room.objects.corners[:, :, 1].ravel()]), 6))
    assert np.abs(heights[:, None] - tops).min(1).max() < 1e-6
    assert np.abs(heights).min() < 1e-6


def test_sky_has_color_and_no_depth(terrain):
    track = film(terrain, Family.STRAFE, Lens(320, 192, 70.0), 1.0, np.arange(81) / 16, np.random.default_rng(0))
    depth = render_depth(terrain, track.view(0))
    assert 0.02 < (depth == 0).mean() < 0.6
    assert depth[depth > 0].min() > 0.5
    assert render_color(terrain, track.view(0))[depth == 0].mean() > 100


def test_pixels_are_averages_without_shift(room):
    """A frame at half size equals the average of the full-size one: centres stay where they belong."""
    track = film(room, Family.ARC, Lens(320, 192, 70.0), 0.6, np.arange(81) / 16, np.random.default_rng(0))
    full = render_color(room, track.view(0))
    half = render_color(room, track.view(0).resampled(160, 96)).astype(float)
    averaged = cv2.resize(full, (160, 96), interpolation=cv2.INTER_AREA).astype(float)
    assert np.abs(half - averaged).mean() < 0.4 * np.abs(np.roll(averaged, 1, axis=1) - averaged).mean()
