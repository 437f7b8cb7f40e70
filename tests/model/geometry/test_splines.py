"""The curves of the trajectory generator, with every degenerate key they may be given."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.geometry import splines


def unit(*rotvecs):
    return Rotation.from_rotvec(np.array(rotvecs, dtype=float)).as_quat(scalar_first=True)


def test_catmull_rom_passes_through_its_waypoints():
    points = np.random.default_rng(0).normal(size=(6, 3))
    assert np.allclose(splines.catmull_rom(points, np.arange(6.0)), points)


def test_catmull_rom_is_a_line_on_a_line():
    points = np.array([[0, 0, 0], [1, 0, 0], [3, 0, 0], [4, 0, 0.0]])
    curve = splines.catmull_rom(points, np.linspace(0, 3, 50))
    assert np.all(np.diff(curve[:, 0]) > 0)
    assert np.allclose(curve[:, 1:], 0)


def test_catmull_rom_tangent_is_continuous_in_its_knots():
    points = np.array([[0, 0, 0], [1, 0, 0], [1.5, 1, 0], [0, 2, 1.0]])
    step = 1e-5
    before, at, after = splines.catmull_rom(points, np.array([1 - step, 1.0, 1 + step]))
    chords = np.sqrt(np.linalg.norm(np.diff(points, axis=0), axis=-1))
    assert np.allclose((at - before) / (step * chords[0]), (after - at) / (step * chords[1]), atol=1e-3)


@pytest.mark.parametrize("repeat", [0, 1, 2, 3])
def test_catmull_rom_survives_a_repeated_waypoint(repeat):
    base = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [2, 1, 0.0]])
    points = np.insert(base, repeat, base[repeat], axis=0)
    curve = splines.catmull_rom(points, np.linspace(0, 4, 201))
    assert np.isfinite(curve).all()
    still = splines.catmull_rom(points, np.linspace(repeat, repeat + 1, 9))
    assert np.allclose(still, base[repeat])


def test_catmull_rom_survives_all_waypoints_equal():
    assert np.allclose(splines.catmull_rom(np.ones((4, 3)), np.linspace(0, 3, 7)), 1)


def test_squad_passes_through_its_keys_and_stays_unit():
    keys = unit([0, 0, 0], [0, 1, 0], [0.5, 1, 0], [0, 2.5, 0.2])
    at = splines.squad(keys, np.arange(4.0))
    assert np.allclose(np.abs(np.sum(at * keys, axis=-1)), 1)
    assert np.allclose(np.linalg.norm(splines.squad(keys, np.linspace(0, 3, 100)), axis=-1), 1)


def test_squad_ignores_the_sign_of_a_key():
    keys = unit([0, 0, 0], [0, 1, 0], [0, 2, 0], [0, 3, 0])
    flipped = keys * np.array([[1], [-1], [1], [-1]])
    parameters = np.linspace(0, 3, 31)
    assert np.allclose(
        splines.rotation_angles(splines.squad(keys, parameters), splines.squad(flipped, parameters)), 0, atol=1e-7
    )


@pytest.mark.parametrize(
    "rotvecs",
    [
        ([0, 0.3, 0], [0, 0.3, 0], [0, 0.3, 0]),
        ([0, 0, 0], [0, np.pi, 0], [0, 0, 0]),
        ([0, 0, 0], [np.pi / 2, 0, 0], [0, 0, 0], [-np.pi / 2, 0, 0]),
        ([0, 0, 0], [0, 1e-12, 0], [0, 2e-12, 0]),
    ],
    ids=["equal", "half turn", "pitch 90", "nearly equal"],
)
def test_squad_survives_degenerate_keys(rotvecs):
    keys = unit(*rotvecs)
    curve = splines.squad(keys, np.linspace(0, len(rotvecs) - 1, 101))
    assert np.isfinite(curve).all()
    assert np.allclose(np.linalg.norm(curve, axis=-1), 1)


def test_squad_of_constant_rate_is_constant_rate():
    keys = unit([0, 0, 0], [0, 0.4, 0], [0, 0.8, 0], [0, 1.2, 0])
    curve = splines.squad(keys, np.linspace(0, 3, 61))
    assert np.allclose(splines.rotation_angles(curve[:-1], curve[1:]), 1.2 / 60, atol=1e-9)


def test_uniform_speed_keeps_the_ends_and_equalizes_steps():
    points = np.array([[0, 0, 0], [0.2, 0, 0], [3, 0, 0], [3, 4, 0.0]])
    dense = np.linspace(0, 3, 600)
    curve, still = splines.catmull_rom(points, dense), np.tile([1.0, 0, 0, 0], (600, 1))
    parameters = splines.uniform_speed_parameters(curve, still, dense, 41, 0.5)
    assert parameters[0] == 0
    assert parameters[-1] == 3
    steps = np.linalg.norm(np.diff(splines.catmull_rom(points, parameters), axis=0), axis=-1)
    assert steps.std() / steps.mean() < 0.02


def test_a_pure_rotation_keeps_its_time_and_is_not_collapsed():
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 0, 0], [2, 0, 0.0]])
    keys = unit([0, 0, 0], [0, 0, 0], [0, 1, 0], [0, 1, 0])
    dense = np.linspace(0, 3, 301)
    parameters = splines.uniform_speed_parameters(
        splines.catmull_rom(points, dense), splines.squad(keys, dense), dense, 61, 0.5
    )
    inside = (parameters > 1.05) & (parameters < 1.95)
    assert inside.sum() > 8
    turned = splines.squad(keys, parameters)
    assert splines.rotation_angles(turned[:-1], turned[1:]).max() < 0.2


def test_a_path_that_does_not_move_keeps_its_parameters():
    dense = np.linspace(0, 2, 50)
    still = np.tile([1.0, 0, 0, 0], (50, 1))
    assert np.allclose(splines.uniform_speed_parameters(np.zeros((50, 3)), still, dense, 5, 0.5), [0, 0.5, 1, 1.5, 2])


def test_smoothing_pins_the_ends_and_leaves_a_line_alone():
    noisy = np.random.default_rng(1).normal(size=(40, 3))
    smoothed = splines.smooth_positions(noisy, 10)
    assert np.array_equal(smoothed[[0, -1]], noisy[[0, -1]])
    assert np.abs(np.diff(smoothed, 2, axis=0)).mean() < 0.3 * np.abs(np.diff(noisy, 2, axis=0)).mean()
    line = np.linspace([0, 0, 0], [1, 2, 3], 40)
    assert np.allclose(splines.smooth_positions(line, 10), line)


def test_the_clamp_owes_what_it_could_not_turn():
    limit = np.radians(0.75)
    wanted = unit(*[[0, 0, 0]] * 5, *[[0, np.radians(20), 0]] * 45)
    followed = splines.clamp_turn_rate(wanted, float(limit))
    assert len(followed) == 50
    assert splines.rotation_angles(followed[:-1], followed[1:]).max() <= limit * (1 + 1e-9)
    assert splines.rotation_angles(followed[-1:], wanted[-1:])[0] < 1e-9
    assert np.allclose(np.linalg.norm(followed, axis=-1), 1)


def test_a_curve_needs_two_waypoints_and_parameters_inside():
    with pytest.raises(ValueError, match="at least 2"):
        splines.catmull_rom(np.zeros((1, 3)), np.zeros(1))
    with pytest.raises(ValueError, match="must lie in"):
        splines.squad(unit([0, 0, 0], [0, 1, 0]), np.array([1.5]))
