"""Scaling and cutting move pictures, depth and intrinsics together."""

import numpy as np
import pytest

from tasks.vision.images import CoverCrop


@pytest.mark.parametrize("native", [(192, 320), (288, 480), (540, 960), (720, 1280), (480, 640), (96, 160), (324, 640)])
def test_a_marked_pixel_is_found_where_the_intrinsics_say(native):
    """A dot at a point of a plane is still at fx X + cx after scaling and cutting."""
    fit = CoverCrop(native, (192, 320))
    height, width = native
    fx, fy, cx, cy = width * 0.9, width * 0.9, (width - 1) / 2, (height - 1) / 2
    point = np.array([0.11, -0.07])
    u, v = fx * point[0] + cx, fy * point[1] + cy
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    spread = max(2.0, 3 * height / 192)
    dot = 255 * np.exp(-((x - u) ** 2 + (y - v) ** 2) / (2 * spread**2))
    picture = fit.picture(np.repeat(dot[..., None], 3, axis=2).astype(np.uint8))[..., 0].astype(float)
    assert picture.shape == (192, 320)
    rows, columns = np.mgrid[0:192, 0:320]
    found = (columns * picture).sum() / picture.sum(), (rows * picture).sum() / picture.sum()
    new = fit.intrinsics(np.array([[fx, fy, cx, cy]]))[0]
    assert found == pytest.approx((new[0] * point[0] + new[2], new[1] * point[1] + new[3]), abs=0.1)


def test_depth_is_never_made_up():
    depth = np.where(np.arange(640)[None, :] < 320, 1.0, 9.0).repeat(480, axis=0).reshape(480, 640)
    fitted = CoverCrop((480, 640), (192, 320)).depth(depth)
    assert fitted.shape == (192, 320)
    assert set(np.unique(fitted)) == {1.0, 9.0}


def test_sensor_cells_follow_the_cut():
    cells = np.arange(12, dtype=np.float32).reshape(3, 4)
    same = CoverCrop((192, 320), (192, 320)).sensor_depth(cells)
    assert np.array_equal(same, cells)
    tall = CoverCrop((384, 320), (192, 320)).sensor_depth(np.arange(16, dtype=np.float32).reshape(4, 4))
    assert np.array_equal(tall, np.arange(16).reshape(4, 4)[1:3])
