import pytest
import torch

from data_contracts.errors import InputError
from tasks.vision.gaussians import Gaussians, read_gaussian_ply, write_gaussian_ply


def scene(coefficients):
    generator = torch.Generator().manual_seed(coefficients)
    return Gaussians(
        means=torch.randn(7, 3, generator=generator),
        scales=torch.rand(7, 3, generator=generator) + 0.01,
        rotations=torch.nn.functional.normalize(torch.randn(7, 4, generator=generator), dim=1),
        opacities=torch.rand(7, generator=generator) * 0.9 + 0.05,
        harmonics=torch.randn(7, coefficients, 3, generator=generator),
    )


@pytest.mark.parametrize("coefficients", [1, 4, 9, 16])
def test_inria_ply_round_trip(tmp_path, coefficients):
    before = scene(coefficients)
    write_gaussian_ply(tmp_path / "scene.ply", before)
    after = read_gaussian_ply(tmp_path / "scene.ply")
    for name in ("means", "scales", "rotations", "opacities", "harmonics"):
        assert torch.allclose(getattr(before, name), getattr(after, name), atol=1e-5), name


def test_harmonics_are_stored_color_major(tmp_path):
    one = scene(4)
    harmonics = torch.zeros(7, 4, 3)
    harmonics[:, 2, 1] = 5.0  # third coefficient, green: f_rest index 1 * 3 + 1
    write_gaussian_ply(
        tmp_path / "scene.ply", Gaussians(one.means, one.scales, one.rotations, one.opacities, harmonics)
    )
    content = (tmp_path / "scene.ply").read_bytes()
    names = [line.split()[2] for line in content.split(b"end_header")[0].split(b"\n") if line.startswith(b"property")]
    row = torch.frombuffer(bytearray(content.split(b"end_header\n")[1][: 4 * len(names)]), dtype=torch.float32)
    assert float(row[names.index(b"f_rest_4")]) == 5.0
    assert float(row[names.index(b"f_rest_3")]) == 0.0


def test_rotation_is_applied_to_the_axes():
    half = 0.5**0.5
    turned = Gaussians(
        torch.zeros(1, 3),
        torch.tensor([[3.0, 1, 2]]),
        torch.tensor([[half, 0, 0, half]]),
        torch.ones(1),
        torch.zeros(1, 1, 3),
    )
    assert torch.allclose(turned.covariances[0], torch.diag(torch.tensor([1.0, 9.0, 4.0])), atol=1e-5)


def test_rows_with_nan_are_dropped(tmp_path):
    bad = scene(1)
    bad.means[2, 1] = float("nan")
    write_gaussian_ply(tmp_path / "scene.ply", bad)
    assert len(read_gaussian_ply(tmp_path / "scene.ply")) == 6


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda b: b[:-5], "announced"),
        (lambda b: b.replace(b"binary_little_endian", b"ascii"), "binary_little_endian"),
        (lambda b: b.replace(b"property float opacity", b"property float opacitx"), "opacity"),
        (lambda _: b"hello", "ply"),
        (lambda b: b.replace(b"end_header\n", b""), "no end"),
        (lambda _: b"", "ply"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path, change, said):
    write_gaussian_ply(tmp_path / "scene.ply", scene(1))
    (tmp_path / "scene.ply").write_bytes(change((tmp_path / "scene.ply").read_bytes()))
    with pytest.raises(InputError, match=said):
        read_gaussian_ply(tmp_path / "scene.ply")
