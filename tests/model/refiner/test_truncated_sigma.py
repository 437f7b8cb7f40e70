import pytest
import torch

from model.refiner.attention_mask import reference_mask
from model.refiner.objective import noised_source, refiner_loss, refiner_sample
from model.refiner.sigma import token_shift, truncated_sigma

START = 0.909375


def _latents(seed):
    return torch.randn(2, 4, 3, 2, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_shift_is_clamped_where_it_would_explode():
    assert token_shift(1024) == pytest.approx(0.95)
    assert token_shift(4096) == pytest.approx(2.05)
    assert token_shift(2560) == pytest.approx(1.5)
    assert token_shift(106_480) == 2.05
    assert token_shift(10) == 0.95


@pytest.mark.parametrize("tokens", [10, 3000, 106_480])
def test_sigmas_lie_in_the_truncated_range_and_spread(tokens):
    uniform = torch.rand(20_000, generator=torch.Generator().manual_seed(0))
    uniform[0] = 0
    sigma = truncated_sigma(uniform, tokens, START)
    assert torch.isfinite(sigma).all()
    assert sigma.min() > 0
    assert sigma.max() <= START
    assert sigma.std() > 0.1


def test_truncation_is_conditioning_not_clipping():
    """Below the cut the sampler's quantiles equal those of the plain distribution given sigma <= start."""
    generator = torch.Generator().manual_seed(1)
    plain = torch.sigmoid(torch.randn(400_000, generator=generator) + token_shift(2560))
    kept = plain[plain <= START]
    ours = truncated_sigma(torch.rand(400_000, generator=generator), 2560, START)
    levels = torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9])
    assert torch.allclose(torch.quantile(kept, levels), torch.quantile(ours, levels), atol=5e-3)
    assert (ours == START).float().mean() < 1e-3


def test_sigma_start_out_of_range_is_refused():
    with pytest.raises(ValueError, match="sigma_start"):
        truncated_sigma(torch.zeros(1), 10, 1.5)


def test_equations_seven_to_ten():
    coarse, target, noise = _latents(0), _latents(1), _latents(2)
    sigma = torch.tensor([0.3, START])
    sample = refiner_sample(coarse, target, noise, sigma, START, 1)
    source = (1 - START) * coarse + START * noise
    assert torch.equal(noised_source(coarse, noise, START), source)
    # at alpha = 1 the state is the source itself
    assert torch.allclose(sample.noisy[1, :, 1:], source[1, :, 1:])
    # one Euler step of the whole remaining noise level lands on the target
    step = sample.noisy - sample.sigma[:, None, :, None, None] * sample.velocity
    assert torch.allclose(step[:, :, 1:], target[:, :, 1:])
    alpha = 0.3 / START
    assert torch.allclose(sample.noisy[0, :, 1:], (1 - alpha) * target[0, :, 1:] + alpha * source[0, :, 1:])


def test_reference_frames_are_clean_and_do_not_count():
    coarse, target, noise = _latents(0), _latents(1), _latents(2)
    sample = refiner_sample(coarse, target, noise, torch.tensor([0.5, 0.5]), START, 1)
    assert torch.equal(sample.noisy[:, :, 0], target[:, :, 0])
    assert sample.sigma[:, 0].abs().max() == 0
    wrong_there = sample.velocity.clone()
    wrong_there[:, :, 0] += 100
    assert refiner_loss(wrong_there, sample) == 0
    wrong_here = sample.velocity.clone()
    wrong_here[:, :, 1:] += 2
    assert refiner_loss(wrong_here, sample).item() == pytest.approx(4.0)


@pytest.mark.parametrize("sigma", [0.0, 0.95])
def test_sigma_outside_the_segment_is_refused(sigma):
    with pytest.raises(ValueError, match="sigma"):
        refiner_sample(_latents(0), _latents(1), _latents(2), torch.tensor([sigma, 0.5]), START, 1)


def test_reference_tokens_never_see_what_is_refined():
    mask = reference_mask(frames=3, tokens_per_frame=2, reference_frames=1)
    assert mask[:2, 2:].sum() == 0
    assert mask[:2, :2].all()
    assert mask[2:].all()
