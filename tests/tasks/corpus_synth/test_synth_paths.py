import numpy as np
import pytest

from model.geometry.se3 import rigidity_error
from tasks.corpus_synth.paths import MARGIN, Family, Lens, film
from tasks.corpus_synth.raster import render_depth

SECONDS = np.arange(81) / 16


@pytest.mark.parametrize(
    ("world", "family", "speed"),
    [
        ("room", Family.ARC, 0.6),
        ("room", Family.STRAFE, 0.6),
        ("room", Family.ZOOM, 0.6),
        ("terrain", Family.DOLLY, 1.2),
        ("corridor", Family.LOOP, 1.25),
    ],
)
def test_paths_are_rigid_smooth_and_clear(request, world, family, speed):
    scene = request.getfixturevalue(world)
    track = film(scene, family, Lens(320, 192, 70.0), speed, SECONDS, np.random.default_rng(5))
    position = track.camera_to_world[:, :3, 3]
    assert np.max(rigidity_error(track.camera_to_world)) < 1e-9
    assert scene.clearance(position[:, 0], position[:, 2]).min() >= MARGIN
    steps = np.linalg.norm(np.diff(position, axis=0), axis=1)
    assert steps.sum() == pytest.approx(speed * 5, rel=0.25)
    assert np.abs(np.diff(steps)).max() < 0.15 * steps.mean()
    forward = track.camera_to_world[:, :3, 2]
    turn = np.degrees(np.arccos(np.clip((forward[1:] * forward[:-1]).sum(1), -1, 1)))
    assert turn.max() * 16 < 45
    assert np.median(render_depth(scene, track.view(40))) > 0.5


def test_a_loop_ends_where_it_began(corridor):
    track = film(corridor, Family.LOOP, Lens(320, 192, 70.0), 1.25, SECONDS, np.random.default_rng(5))
    position = track.camera_to_world[:, :3, 3]
    assert np.linalg.norm(position[-1] - position[0]) < 1e-6
    assert np.linalg.norm(position - position[0], axis=1).max() > 1.5


def test_only_the_zoom_changes_its_lens(room):
    zoom = film(room, Family.ZOOM, Lens(320, 192, 70.0), 0.6, SECONDS, np.random.default_rng(5)).intrinsics
    arc = film(room, Family.ARC, Lens(320, 192, 70.0, 1.3), 0.6, SECONDS, np.random.default_rng(5)).intrinsics
    assert zoom[-1, 0] / zoom[0, 0] == pytest.approx(1.35)
    assert np.ptp(arc, axis=0).max() == 0
    assert arc[0, 0] / arc[0, 1] == pytest.approx(1.3)
    assert 2 * np.degrees(np.arctan(160 / arc[0, 0])) == pytest.approx(70)
