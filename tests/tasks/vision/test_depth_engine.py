"""Shipped sensor depth: where a sample lies, when it is trusted, what is cleaned away."""

import numpy as np

from data_contracts.annotations import SourceAnnotations
from data_contracts.camera import ScaleSource
from tasks.vision.depth_engine import SensorDepthEngine, sample_depth


def test_a_slanted_plane_is_sampled_at_the_right_place():
    rows, columns, size = 24, 40, (192, 320)
    x = (np.arange(columns) + 0.5) * size[1] / columns - 0.5
    depth = np.tile(2 + 0.01 * x, (rows, 1))
    pixels = np.array([[100.25, 90.0], [3.5, 3.5], [250.0, 180.0]])
    values, trusted = sample_depth(depth, pixels, size)
    assert trusted.all()
    assert np.allclose(values, 2 + 0.01 * pixels[:, 0])


def test_holes_edges_and_the_outside_are_not_trusted():
    depth = np.full((24, 40), 2.0)
    depth[10, 10] = 0
    depth[:, 30:] = 5
    pixels = np.array([[83.5, 83.5], [239.5, 40.0], [0.0, 0.0], [40.0, 40.0]])
    _, trusted = sample_depth(depth, pixels, (192, 320))
    assert trusted.tolist() == [False, False, False, True]


def test_infinities_and_frames_outside_the_clip_are_dropped():
    maps = np.full((3, 4, 6), 1.5, np.float32)
    maps[0, 0, 0], maps[0, 1, 1] = np.inf, np.nan
    shipped = SourceAnnotations(sensor_depth=maps, sensor_depth_frames=np.array([8, 0, 99]))
    engine = SensorDepthEngine(shipped)
    metric = engine.metric_depth(np.zeros((17, 8, 8, 3), np.uint8), np.full(17, 10.0))
    assert metric is not None
    assert metric.frames.tolist() == [0, 8]
    assert metric.source is ScaleSource.SENSOR_DEPTH
    assert metric.maps[1, 0, 0] == 0
    assert metric.maps[1, 1, 1] == 0


def test_no_sensor_no_depth():
    engine = SensorDepthEngine(SourceAnnotations())
    assert engine.metric_depth(np.zeros((17, 8, 8, 3), np.uint8), np.full(17, 10.0)) is None
