"""Templates become paths that fit the scene; revisit pairs are revisits."""

import numpy as np
import pytest

from data_contracts.benchmark import Split
from model.geometry.waypoints import PathLimits
from tasks.evaluation.templates import templates
from tasks.evaluation.trajectories import SceneGeometry, revisit_pairs, scene_path, smoothness

FREE = SceneGeometry(None, None)
ALL = [template for split in Split for template in templates(split)]


def test_each_split_has_ten_templates_of_11_to_15_waypoints():
    for split in Split:
        assert len(templates(split)) == 10
        assert len({template.name for template in templates(split)}) == 10
        assert all(11 <= len(template.waypoints) <= 15 for template in templates(split))


@pytest.mark.parametrize("template", ALL, ids=lambda template: template.name)
@pytest.mark.parametrize("frames", [81, 961])
def test_every_path_keeps_the_limits_and_comes_back(template, frames):
    limits = PathLimits()
    path = scene_path(template, frames, limits, FREE).camera_to_world
    figures = smoothness(path, limits.fps)
    assert path.shape == (frames, 4, 4)
    assert np.isfinite(path).all()
    assert figures.max_degrees_per_second <= 12.0 + 1e-4
    assert figures.mean_metres_per_second <= 0.4 + 1e-6
    pairs = revisit_pairs(path, round(2.5 * limits.fps), 5)
    assert pairs
    for pair in pairs:
        assert pair.distance_m < 0.5
        assert pair.angle_diff_deg < 20
        assert pair.frame_b - pair.frame_a >= 40


def test_pairs_are_sorted_and_apart():
    path = scene_path(templates(Split.SIMPLE)[0], 961, PathLimits(), FREE).camera_to_world
    pairs = revisit_pairs(path, 80, 5)
    assert len(pairs) == 5
    assert [pair.quality_score for pair in pairs] == sorted(pair.quality_score for pair in pairs)
    starts = sorted(pair.frame_a for pair in pairs)
    assert len(set(starts)) == 5


def test_travel_is_at_most_60_percent_of_the_median_depth():
    template = templates(Split.SIMPLE)[0]
    near = scene_path(template, 961, PathLimits(), SceneGeometry(2.0, None))
    assert near.travel_scale < 1
    assert np.linalg.norm(near.camera_to_world[:, :3, 3], axis=-1).max() <= 1.2 + 1e-6


def test_a_wall_makes_the_path_shorter_and_a_cage_is_marked():
    template = templates(Split.SIMPLE)[0]
    across = np.linspace(-1, 1, 21)
    wall = np.stack([*(axis.ravel() for axis in np.meshgrid(across, across)), np.full(441, 3.0)], axis=-1)
    free = scene_path(template, 961, PathLimits(), FREE)
    stopped = scene_path(template, 961, PathLimits(), SceneGeometry(None, wall))
    assert stopped.collision.startswith("clear_after_")
    assert stopped.travel_scale < free.travel_scale
    caged = scene_path(template, 961, PathLimits(), SceneGeometry(None, np.array([[0.0, 0.0, 0.1]])))
    assert caged.collision == "collides"
    assert len(caged.camera_to_world) == 961
