"""Feature preparation, rotation, ray transform, short convolution, and the choice of a backend."""

import pytest
import torch

from kernels.backend import Backend, UnknownBackendError, parse_backend
from kernels.key_prep import prepare_features
from kernels.ray_rope import rotate, transform_rays
from kernels.short_conv import short_conv


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_norm_runs_over_all_heads_together() -> None:
    raw = torch.randn(1, 2, 3, 8, generator=generator())
    features = prepare_features(raw, torch.full((8,), 2.0), heads=2, eps=1e-5, scale=0.5)
    expected = torch.relu(raw / raw.square().mean(-1, keepdim=True).add(1e-5).sqrt())
    torch.testing.assert_close(features[0, 1], expected[0, :, :, 4:])


def test_rotation_turns_pairs_and_back() -> None:
    features = torch.randn(1, 2, 3, 4, 8, generator=generator())
    angle = torch.rand(3, 4, 4, generator=generator())
    turned = rotate(features, angle.cos(), angle.sin())
    torch.testing.assert_close(rotate(turned, angle.cos(), -angle.sin()), features)
    as_complex = torch.view_as_complex(features.unflatten(-1, (4, 2))) * torch.polar(torch.ones_like(angle), angle)
    torch.testing.assert_close(turned, torch.view_as_real(as_complex).flatten(-2))


def test_ray_transform_acts_on_groups_of_four_and_rotates_the_rest() -> None:
    features = torch.randn(1, 1, 2, 3, 16, generator=generator())
    matrix = torch.randn(1, 2, 3, 4, 4, generator=generator())
    angle = torch.zeros(2, 3, 4)
    moved = transform_rays(features, matrix, angle.cos(), angle.sin())
    torch.testing.assert_close(moved[0, 0, 1, 2, 4:8], matrix[0, 1, 2] @ features[0, 0, 1, 2, 4:8])
    torch.testing.assert_close(moved[..., 8:], features[..., 8:])


def test_short_conv_is_causal_plus_reversed_inside_the_chunk() -> None:
    frames = torch.arange(1.0, 6.0).view(1, 5, 1, 1)
    extended = torch.nn.functional.pad(frames, (0, 0, 0, 0, 3, 3))
    weight = torch.tensor([[1000.0, 100.0, 10.0, 1.0]])
    output = short_conv(extended, weight, [0, 0, 1, 1, 1, -1, -1, -1]).flatten()
    # Frame 0: itself + later in its chunk (frame 1). Frame 2: itself, all earlier, later frames 3 and 4.
    assert output[0] == 1 + 10 * 2
    assert output[2] == 3 + 10 * 2 + 100 * 1 + 10 * 4 + 100 * 5
    assert output[4] == 5 + 10 * 4 + 100 * 3 + 1000 * 2


def test_unknown_backend_is_an_error_that_names_the_known() -> None:
    assert parse_backend("reference") is Backend.REFERENCE
    with pytest.raises(UnknownBackendError, match="known: auto, reference, triton"):
        parse_backend("cuda")
