import math
from pathlib import Path

import numpy as np
import pytest
import torch

from tasks.vision import rasterizer
from tasks.vision.gaussian_lod import simplify
from tasks.vision.gaussians import Gaussians, gaussians_of_points
from tasks.vision.harmonics import BAND_0, harmonic_basis, view_colors
from tasks.vision.projection import Camera
from tasks.vision.rasterizer import render

torch.set_num_threads(1)
GARDEN = Path(__file__).parents[4] / "shared/data/splat/test_garden.npz"


def random_scene(count, seed, coefficients=16):
    generator = torch.Generator().manual_seed(seed)
    means = torch.rand(count, 3, generator=generator) * torch.tensor([2.0, 1.4, 2.0]) + torch.tensor([-1.0, -0.7, 1.0])
    return Gaussians(
        means=means,
        scales=torch.rand(count, 3, generator=generator) * 0.2 + 0.01,
        rotations=torch.nn.functional.normalize(torch.randn(count, 4, generator=generator), dim=1),
        opacities=torch.rand(count, generator=generator) * 0.95 + 0.02,
        harmonics=torch.randn(count, coefficients, 3, generator=generator) * 0.4,
    )


def camera(height=23, width=31, turn=0.2):
    pose = torch.eye(4, dtype=torch.float64)
    pose[:3, :3] = torch.tensor(
        [[math.cos(turn), 0, math.sin(turn)], [0, 1, 0], [-math.sin(turn), 0, math.cos(turn)]], dtype=torch.float64
    )
    pose[0, 3] = 0.1
    return Camera.at(pose, torch.tensor([28.0, 26.0, 15.2, 10.7]), height, width)


def brute_force(scene, view):
    """Pixel by pixel, Gaussian by Gaussian, in float64, straight from the definition."""
    rotation, shift = view.camera_from_world[:3, :3].double(), view.camera_from_world[:3, 3].double()
    fx, fy, cx, cy = view.intrinsics.double().tolist()
    points = scene.means.double() @ rotation.T + shift
    origin = -rotation.T @ shift
    pictures = torch.zeros(view.height, view.width, 5, dtype=torch.float64)
    order = sorted((i for i in range(len(scene)) if points[i, 2] > 0.01), key=lambda i: float(points[i, 2]))
    splats = []
    for i in order:
        x, y, z = points[i].tolist()
        lx, ly = 1.3 * max(cx, view.width - cx) / fx, 1.3 * max(cy, view.height - cy) / fy
        sx, sy = min(max(x / z, -lx), lx), min(max(y / z, -ly), ly)
        jacobian = torch.tensor([[fx / z, 0, -fx * sx / z], [0, fy / z, -fy * sy / z]], dtype=torch.float64)
        chain = jacobian @ rotation
        plane = chain @ scene.covariances[i].double() @ chain.T + 0.3 * torch.eye(2, dtype=torch.float64)
        direction = torch.nn.functional.normalize(scene.means[i].double() - origin, dim=0)
        color = view_colors(scene.harmonics[i : i + 1].double(), direction[None])[0]
        splats.append((fx * x / z + cx, fy * y / z + cy, torch.linalg.inv(plane), float(scene.opacities[i]), z, color))
    for v in range(view.height):
        for u in range(view.width):
            light = 1.0
            for mu, mv, conic, opacity, z, color in splats:
                d = torch.tensor([u - mu, v - mv], dtype=torch.float64)
                alpha = min(0.999, opacity * math.exp(-0.5 * float(d @ conic @ d)))
                if alpha < 1 / 255:
                    continue
                pictures[v, u] += light * alpha * torch.cat([color, torch.tensor([z, 1.0], dtype=torch.float64)])
                light *= 1 - alpha
    return pictures


@pytest.mark.parametrize("seed", [0, 1])
def test_equals_brute_force(seed):
    scene, view = random_scene(12, seed), camera()
    picture, expected = render(scene, view), brute_force(scene, view)
    # A fragment within rounding of 1/255 may fall on either side, hence one gray level on few pixels.
    error = (picture.color - expected[..., :3]).abs().amax(-1)
    assert float(error.median()) < 1e-5
    assert float(error.max()) < 2 / 255
    assert torch.allclose(picture.alpha.double(), expected[..., 4], atol=1 / 200)
    solid = expected[..., 4] > 0.2
    assert torch.allclose(picture.depth.double()[solid], (expected[..., 3] / expected[..., 4])[solid], rtol=2e-2)


def test_large_pictures_are_sorted_in_two_passes():
    scene = random_scene(40, 3, coefficients=1)
    small = camera(200, 300)
    large = Camera(small.camera_from_world, small.intrinsics, 260, 300)  # 78,000 pixels, more than 16 bits
    assert torch.equal(render(scene, large).color[:200], render(scene, small).color)


def test_bands_give_the_same_picture(monkeypatch):
    scene, view = random_scene(60, 5, coefficients=4), camera(40, 50)
    whole = render(scene, view)
    monkeypatch.setattr(rasterizer, "MOST_FRAGMENTS", 3000)
    banded = render(scene, view)
    assert torch.allclose(whole.color, banded.color, atol=1e-6)
    assert torch.allclose(whole.depth, banded.depth, atol=1e-5)


def test_nearer_opaque_splat_hides_the_farther_one():
    means = torch.tensor([[0.0, 0, 3.0], [0.0, 0, 2.0]])
    scene = gaussians_of_points(means, torch.tensor([[1.0, 0, 0], [0.0, 1, 0]]), size=0.3, opacity=0.999)
    picture = render(scene, Camera(torch.eye(4), torch.tensor([20.0, 20, 7, 7]), 15, 15))
    assert picture.color[7, 7, 1] > 0.99
    assert picture.color[7, 7, 0] < 0.01
    assert float(picture.depth[7, 7]) == pytest.approx(2.0, abs=0.01)


def test_pixel_centers_lie_at_integers():
    scene = gaussians_of_points(torch.tensor([[0.0, 0, 2.0]]), torch.ones(1, 3), size=0.1)
    picture = render(scene, Camera(torch.eye(4), torch.tensor([20.0, 20, 4, 6]), 12, 10)).alpha
    assert int(picture.argmax()) == 6 * 10 + 4
    assert torch.allclose(picture[6, 3], picture[6, 5])


def test_nothing_in_view_is_black():
    scene = gaussians_of_points(torch.tensor([[0.0, 0, -2.0]]), torch.ones(1, 3), size=0.1)
    picture = render(scene, Camera(torch.eye(4), torch.tensor([20.0, 20, 4, 4]), 9, 9))
    assert picture.color.abs().sum() == 0
    assert picture.depth.abs().sum() == 0


def test_harmonics_are_orthonormal():
    nodes, weights = np.polynomial.legendre.leggauss(12)
    azimuth = np.arange(24) * 2 * np.pi / 24
    z, phi = (grid.ravel() for grid in np.meshgrid(nodes, azimuth, indexing="ij"))
    radius = np.sqrt(1 - z**2)
    basis = harmonic_basis(torch.from_numpy(np.stack([radius * np.cos(phi), radius * np.sin(phi), z], 1)), 16)
    measure = torch.from_numpy(np.repeat(weights, 24) * 2 * np.pi / 24)
    assert torch.allclose(basis.T @ (basis * measure[:, None]), torch.eye(16, dtype=torch.float64), atol=1e-9)
    assert float(basis[0, 0]) == pytest.approx(BAND_0)


def test_level_of_detail_keeps_the_picture():
    generator = torch.Generator().manual_seed(0)
    flat = torch.rand(6000, 3, generator=generator) * torch.tensor([2.0, 1.4, 0.0]) + torch.tensor([-1.0, -0.7, 2.0])
    colors = torch.stack([flat[:, 0] * 0.4 + 0.5, flat[:, 1] * 0.5 + 0.5, torch.full((6000,), 0.3)], 1)
    scene = gaussians_of_points(flat, colors, size=0.02)
    coarse = simplify(scene, 1500)
    assert 700 < len(coarse) <= 1500
    assert simplify(scene, 6000) is scene
    view = Camera(torch.eye(4), torch.tensor([60.0, 60, 31, 23]), 48, 64)
    before, after = render(scene, view), render(coarse, view)
    inside = (slice(8, 40), slice(8, 56))
    assert float(after.alpha[inside].min()) > 0.8
    assert float((before.color - after.color)[inside].abs().mean()) < 0.03
    assert torch.allclose(torch.linalg.det(coarse.covariances).sqrt(), coarse.scales.prod(1), rtol=1e-2, atol=1e-9)


@pytest.mark.skipif(not GARDEN.exists(), reason="../shared/data/splat/test_garden.npz is not there")
def test_real_points_render_to_their_own_colors():
    data = np.load(GARDEN)
    points, colors = torch.from_numpy(data["means3d"]), torch.from_numpy(data["colors"]).float() / 255
    scene = gaussians_of_points(points, colors, size=0.004)
    k, shrink = data["Ks"][0], 320 / float(data["width"])
    intrinsics = torch.tensor([k[0, 0], k[1, 1], k[0, 2], k[1, 2]]).float() * shrink
    view = Camera(torch.from_numpy(data["viewmats"][0]), intrinsics, 207, 320)
    picture = render(scene, view)
    assert 0.4 < float(picture.alpha.mean()) < 0.95
    local = points @ view.camera_from_world[:3, :3].T + view.camera_from_world[:3, 3]
    pixel = (local[:, :2] / local[:, 2:] * intrinsics[:2] + intrinsics[2:]).round().long()
    inside = (local[:, 2] > 0) & (pixel >= 0).all(1) & (pixel[:, 0] < 320) & (pixel[:, 1] < 207)
    column, row = pixel[inside].unbind(1)
    front = (local[inside, 2] - picture.depth[row, column]).abs() < 0.02 * local[inside, 2]
    seen = picture.color[row, column] / picture.alpha[row, column, None].clamp(min=0.1)
    error = (seen - colors[inside])[front].abs().mean()
    assert int(front.sum()) > 10_000
    assert float(error) < 0.12
    shuffled = colors[inside][torch.randperm(len(column), generator=torch.Generator().manual_seed(0))]
    assert float((seen - shuffled)[front].abs().mean()) > 1.8 * float(error)
