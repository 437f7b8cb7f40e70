"""The focal length that makes fundamental matrices essential, on exact projections of random points."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tasks.vision.view_graph import view_graph_focal

WIDTH = 320


def _pairs(focal, turn_only=False, flat=False, count=4):
    """Pixels of random points from cameras that move and turn."""
    rng = np.random.default_rng(0)
    points = rng.uniform([-2, -1.2, 2.5], [2, 1.2, 2.5 if flat else 7], (150, 3))

    def seen(index):
        turn = Rotation.from_euler("yxz", np.array([6.0, -3.0, 2.0]) * index, degrees=True).as_matrix()
        move = np.zeros(3) if turn_only else np.array([0.25, 0.08, -0.12]) * index
        local = points @ turn.T + move
        return focal * local[:, :2] / local[:, 2:] + rng.normal(0, 0.05, (150, 2))

    views = [seen(index) for index in range(count)]
    return [(views[a], views[b]) for a in range(count) for b in range(a + 1, count)]


@pytest.mark.parametrize("focal", [140.0, 220.0, 420.0])
def test_the_focal_length_is_found(focal):
    assert view_graph_focal(_pairs(focal), WIDTH, 1.0) == pytest.approx(focal, rel=0.05)


@pytest.mark.parametrize("kind", ["turn_only", "flat"])
def test_motions_that_fix_nothing_give_nothing(kind):
    assert view_graph_focal(_pairs(220.0, **{kind: True}), WIDTH, 1.0) is None


def test_pairs_that_hardly_move_or_share_little_give_nothing():
    first, second = _pairs(220.0)[0]
    assert view_graph_focal([(first, first + 1.0), (first[:20], second[:20])], WIDTH, 1.0) is None
