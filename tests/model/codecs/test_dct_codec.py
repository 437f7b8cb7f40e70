import pytest
import torch
from synthetic_latents import grating_video

from model.codecs.dct import DctCodec
from model.codecs.dct_basis import block_maps, dct_matrix, kept_frequencies
from model.codecs.fidelity import Fidelity, psnr
from model.codecs.statistics import fit_statistics, moments

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def fitted():
    raw = DctCodec.unfitted()
    return DctCodec(fit_statistics([moments(raw.coefficients(grating_video(s, 17, 64, 96))[0]) for s in range(4)]))


def test_dct_matrix_is_orthonormal():
    matrix = dct_matrix(32)
    assert torch.allclose(matrix @ matrix.T, torch.eye(32, dtype=torch.float64), atol=1e-12)


@pytest.mark.parametrize("depth", [1, 8])
def test_kept_frequencies_are_128_distinct_and_still_ones_agree(depth):
    kept = kept_frequencies(depth)
    assert len(kept) == len(set(kept)) == 128
    assert [sum(k[0] == plane for k in kept) for plane in range(3)] == [108, 10, 10]
    still = [k for k in kept if k[0] == 0 and k[1] == 0]
    assert still == kept_frequencies(1)[: len(still)]


@pytest.mark.parametrize("depth", [1, 8])
def test_decode_then_encode_is_the_identity(depth):
    maps = block_maps(depth)
    assert torch.allclose(maps.synthesis @ maps.analysis, torch.eye(128), atol=1e-5)


def test_shapes_follow_the_ltx2_strides(fitted):
    latents = fitted.encode(torch.zeros(2, 3, 25, 64, 96))
    assert latents.shape == (2, 128, 4, 2, 3)
    assert fitted.decode(latents).shape == (2, 3, 25, 64, 96)


def test_first_frame_is_causal(fitted):
    video = grating_video(7, 17, 64, 96)
    changed = video.clone()
    changed[:, :, 9:] = 0
    before, after = fitted.encode(video), fitted.encode(changed)
    assert torch.equal(before[:, :, :2], after[:, :, :2])
    assert not torch.allclose(before[:, :, 2], after[:, :, 2])


def test_smooth_video_survives_and_noise_does_not(fitted):
    smooth = grating_video(1, 17, 64, 96) * 0.9
    noise = torch.rand(1, 3, 17, 64, 96, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert psnr(smooth, fitted.decode(fitted.encode(smooth))) > 24
    assert psnr(noise, fitted.decode(fitted.encode(noise))) < 12


def test_constant_color_is_exact(fitted):
    video = torch.tensor([0.5, -0.25, 0.8]).view(1, 3, 1, 1, 1).expand(1, 3, 9, 32, 32)
    assert torch.allclose(fitted.decode(fitted.encode(video)), video, atol=1e-3)


def test_chunks_decode_on_their_own(fitted):
    latents = fitted.encode(grating_video(3, 33, 64, 96))
    whole = fitted.decode(latents)
    parts = [fitted.decode(latents[:, :, :2]), fitted.decode(latents[:, :, 2:], starts_clip=False)]
    assert torch.allclose(torch.cat(parts, dim=2), whole, atol=1e-5)


def test_fitted_channels_have_unit_moments(fitted):
    latents = torch.cat([fitted.encode(grating_video(s, 17, 64, 96)) for s in range(4)])
    later = latents[:, :, 1:]
    varies = fitted.statistics.deviation[1] > 0.011
    assert later.mean((0, 2, 3, 4)).abs().max() < 1e-3
    assert torch.allclose(later.std((0, 2, 3, 4))[varies], torch.ones(int(varies.sum())), atol=0.05)


def test_fidelity_of_parts_is_that_of_the_clip(fitted):
    video = grating_video(5, 17, 64, 96) * 0.9
    decoded = fitted.decode(fitted.encode(video))
    fidelity = Fidelity()
    for part in (slice(0, 1), slice(1, 9), slice(9, 17)):
        fidelity.add(video[:, :, part], decoded[:, :, part])
    assert fidelity.psnr() == pytest.approx(psnr(video, decoded), abs=1e-4)
    assert fidelity.best_psnr() >= fidelity.psnr() - 0.05


def test_best_psnr_is_that_of_the_coefficients_kept(fitted):
    """White noise has no best frequencies: keeping 128 of 3 x 8 x 1024 loses nearly all of it."""
    noise = torch.randn(1, 3, 8, 64, 96, generator=torch.Generator().manual_seed(0))
    fidelity = Fidelity()
    fidelity.add(noise, torch.zeros_like(noise))
    assert 0 < fidelity.best_psnr() - fidelity.psnr() < 0.2


def test_coefficients_of_parts_are_those_of_the_clip(fitted):
    video = grating_video(3, 25, 64, 96)
    parts = [fitted.coefficients(video[:, :, :9]), fitted.coefficients(video[:, :, 9:], starts_clip=False)]
    assert torch.allclose(torch.cat(parts, dim=2), fitted.coefficients(video), atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 3, 16, 64, 96), (1, 3, 17, 60, 96), (1, 1, 17, 64, 96)])
def test_off_grid_video_is_refused(fitted, shape):
    with pytest.raises(ValueError, match="8k\\+1 frames"):
        fitted.encode(torch.zeros(shape))
