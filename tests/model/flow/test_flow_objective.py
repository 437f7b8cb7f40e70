"""The training objective and the schedules."""

import pytest
import torch

from model.flow import euler_sigmas, explicit_sigmas, flow_loss, flow_sample, training_sigmas
from model.flow.objective import clean_estimate, sample_indices
from model.parallel import FrameShard


def batch(clean_first: bool):
    generator = torch.Generator().manual_seed(0)
    clean, noise = torch.randn(2, 2, 3, 5, 2, 2, generator=generator)
    indices = torch.randint(1, 1000, (2, 5), generator=generator)
    return clean, noise, flow_sample(clean, noise, indices, 9.95, torch.full((2,), clean_first))


def test_clean_first_frame_is_told_zero_and_left_out() -> None:
    clean, _, sample = batch(clean_first=True)
    assert torch.equal(sample.noisy[:, :, 0], clean[:, :, 0])
    assert not sample.timesteps[:, 0, 0].any()
    wrong = sample.target.clone()
    wrong[:, :, 0] += 100
    assert flow_loss(wrong, sample) == 0


def test_without_the_clean_frame_all_frames_count() -> None:
    _, _, sample = batch(clean_first=False)
    assert sample.mask.all()
    torch.testing.assert_close(flow_loss(sample.target + 2, sample), torch.tensor(4.0), rtol=1e-5, atol=0)


def test_losses_of_ranks_add_up() -> None:
    _, _, sample = batch(clean_first=True)
    velocity = sample.target + torch.arange(5.0)[:, None, None]
    parts = []
    for rank in range(2):
        shard = FrameShard(5, rank, 2)
        parts.append(flow_loss(shard.take(velocity, 2), sample.on(shard)))
    torch.testing.assert_close(sum(parts), flow_loss(velocity, sample))


def test_the_target_leads_back_to_the_clean_latents() -> None:
    clean, _, sample = batch(clean_first=False)
    torch.testing.assert_close(clean_estimate(sample.noisy, sample.target, sample.sigmas), clean, rtol=1e-4, atol=1e-4)


def test_indices_are_logit_normal() -> None:
    drawn = sample_indices(20_000, torch.Generator().manual_seed(0))
    assert drawn.min() >= 0
    assert drawn.max() <= 999
    assert abs(float((drawn < 500).float().mean()) - 0.5) < 0.02
    assert abs(float((drawn < 269).float().mean()) - 0.1587) < 0.02  # sigmoid(-1) = 0.269


def test_noise_is_shifted_once() -> None:
    sigma = training_sigmas(torch.tensor([0, 500, 999]), 9.95)
    torch.testing.assert_close(sigma[1].item(), 9.95 * 0.5 / (1 + 8.95 * 0.5))
    assert sigma[0] == 0
    assert sigma[2] < 1


def test_schedules_fall_to_zero_and_refuse_nonsense() -> None:
    sigmas = euler_sigmas(9.8, 6)
    assert sigmas[0] == 1
    assert sigmas[-1] == 0
    assert bool((sigmas.diff() < 0).all())
    with pytest.raises(ValueError, match="steps=0"):
        euler_sigmas(9.8, 0)
    for bad in ((), (0.5, 0.5), (1.2, 0.5), (0.5, 0.0)):
        with pytest.raises(ValueError, match="sigmas="):
            explicit_sigmas(bad)
