from itertools import pairwise

import pytest
import torch

from model.backbone import SanaWM
from model.causal import CacheWindow, ChunkLayout
from model.config import BackboneConfig, v2
from model.distill.clips import DistillationClips
from model.distill.distribution_matching import (
    MatchingSettings,
    critic_loss,
    matching_gradient,
    matching_loss,
    noised,
    score_gradient,
)
from model.distill.ode import Trajectory, draw_levels, ode_loss
from model.distill.rollout import RolloutSettings, student_rollout
from model.distill.self_forcing import Chances, Players, SelfForcing
from model.distill.stability import there_and_back
from model.distill.trajectory import TrajectorySettings, integration_grid, teacher_trajectory
from model.flow.guidance import Conditions
from model.layers.initialization import build_backbone
from model.training.generators import named_generator
from model.training.ranks import Ranks
from model.types import TextConditioning

torch.set_num_threads(1)

CONFIG = BackboneConfig(
    latent_channels=6,
    hidden=32,
    heads=2,
    depth=2,
    softmax_blocks=(1,),
    mixer="frame_gdn",
    camera_branch=False,
    mlp_ratio=2,
    caption_channels=8,
    text_tokens=4,
)
FRAMES = 7
LAYOUT = ChunkLayout.streaming(FRAMES, 3)
LEVELS = (1.0, 0.9, 0.5, 0.0)


def model(seed):
    network = build_backbone(CONFIG, v2(), named_generator(seed))
    for parameter in network.parameters():
        parameter.data.add_(torch.randn(parameter.shape, generator=named_generator(seed, "more")) * 0.05)
    return network


@pytest.fixture(scope="module")
def clips():
    generator = named_generator(0)
    latents = torch.randn(2, 6, FRAMES, 2, 3, generator=generator)
    text = TextConditioning(torch.randn(2, 4, 8, generator=generator), torch.ones(2, 4))
    null = TextConditioning(torch.zeros(2, 4, 8), torch.ones(2, 4))
    return DistillationClips(latents, Conditions(text, None, null))


def test_matching_gradient_is_the_formula():
    clean, fake, real = (torch.randn(1, 2, 4, 2, 2, generator=named_generator(seed)) for seed in range(3))
    sample = noised(clean, torch.tensor([0.5]), torch.zeros_like(clean))
    gradient = matching_gradient(fake, real, sample)
    scale = (clean - real)[:, :, 1:].abs().mean()
    assert torch.allclose(gradient[:, :, 1:], ((fake - real) / scale)[:, :, 1:])
    assert gradient[:, :, 0].abs().max() == 0


def test_matching_loss_hands_the_gradient_to_the_student():
    student = torch.randn(1, 2, 4, 2, 2, generator=named_generator(3)).requires_grad_()
    sample = noised(student, torch.tensor([0.5]), torch.zeros_like(student))
    assert not sample.noisy.requires_grad
    gradient = torch.randn(student.shape, generator=named_generator(4)) * sample.counted
    matching_loss(student, gradient, sample).backward()
    assert torch.allclose(student.grad, gradient / student[:, :, 1:].numel(), atol=1e-7)


def test_the_first_frame_is_clean_and_does_not_count(clips):
    noise = torch.randn(clips.latents.shape, generator=named_generator(5))
    sample = noised(clips.latents, torch.tensor([0.3, 0.8]), noise)
    assert torch.equal(sample.noisy[:, :, 0], clips.latents[:, :, 0])
    assert torch.allclose(sample.noisy[1, :, 1:], 0.2 * clips.latents[1, :, 1:] + 0.8 * noise[1, :, 1:])
    assert sample.levels[:, 0].tolist() == [0, 0]


def test_score_levels_are_shifted_and_clamped():
    settings = MatchingSettings(shift=10, lowest=0.02, highest=0.98, guidance=3)
    assert settings.sigma(torch.tensor([0, 500, 999])).tolist() == pytest.approx([0.02, 10 * 0.5 / 5.5, 0.98])


def test_equal_scores_give_no_gradient_without_guidance(clips):
    score = model(1)
    sample = noised(clips.latents, torch.tensor([0.5, 0.5]), torch.randn(clips.latents.shape))
    same = score_gradient(score, score, sample, clips.given, guidance=0.0)
    guided = score_gradient(score, score, sample, clips.given, guidance=3.0)
    assert same.abs().max() < 1e-5
    assert guided.abs().max() > 1e-4


def test_guidance_needs_a_null_condition(clips):
    sample = noised(clips.latents, torch.tensor([0.5, 0.5]), torch.randn(clips.latents.shape))
    with pytest.raises(ValueError, match="null_text"):
        score_gradient(model(1), model(1), sample, Conditions(clips.given.text, None), 3.0)


def test_only_the_exit_step_is_differentiated(clips):
    """The gradient of a rollout with two steps is that of its last step alone, at detached inputs."""
    student, settings = model(2), RolloutSettings((1.0, 0.9), CacheWindow(2, sink=True))
    sample = student_rollout(student, clips.first_frame, clips.given, LAYOUT, settings, (1, named_generator(6)))
    sample.square().mean().backward()
    assert all(torch.isfinite(p.grad).all() for p in student.parameters() if p.grad is not None)
    assert student.final_layer.linear.weight.grad.abs().max() > 0
    assert torch.equal(sample[:, :, 0], clips.latents[:, :, 0])
    with torch.no_grad():
        silent = student_rollout(student, clips.first_frame, clips.given, LAYOUT, settings, (1, named_generator(6)))
    assert torch.equal(silent, sample)


def test_exit_step_outside_is_refused(clips):
    settings = RolloutSettings((1.0, 0.9), CacheWindow())
    with pytest.raises(ValueError, match="exit step"):
        student_rollout(model(2), clips.first_frame, clips.given, LAYOUT, settings, (2, named_generator(6)))


def test_teacher_trajectory_equals_integration_over_the_prefix(clips):
    """Carrying the state is exact: the last chunk, integrated with the whole network over its clean prefix."""
    teacher = model(3)
    noise = torch.randn(clips.latents.shape, generator=named_generator(7))
    settings = TrajectorySettings(integration_grid(LEVELS, 1), LEVELS)
    states = teacher_trajectory(teacher, noise, clips.first_frame, clips.given, LAYOUT, settings)
    assert states.shape == (len(LEVELS), *clips.latents.shape)
    assert torch.equal(states[0][:, :, 1:], noise[:, :, 1:])
    for level in states:
        assert torch.equal(level[:, :, 0], clips.latents[:, :, 0])
    start, stop = LAYOUT.chunks[-1]
    current = torch.cat((states[-1][:, :, :start], noise[:, :, start:stop]), dim=2)
    for sigma, following in pairwise(LEVELS):
        timesteps = torch.zeros(2, 1, FRAMES)
        timesteps[:, :, start:] = 1000 * sigma
        with torch.no_grad():
            velocity = teacher(current, timesteps, clips.given.text, None, LAYOUT)
        current[:, :, start:] -= (sigma - following) * velocity[:, :, start:]
    assert torch.allclose(current, states[-1], atol=1e-4)


def test_ode_loss_is_zero_for_a_perfect_student_and_counts_noisy_frames_only(clips):
    clean = clips.latents
    noise = torch.randn(clean.shape, generator=named_generator(8))
    states = torch.stack([(1 - level) * clean + level * noise for level in LEVELS])

    class Perfect(SanaWM):
        def forward(self, *_):
            return noise - clean

    student = Perfect(CONFIG, v2())
    trajectory = Trajectory(states, LEVELS, clips.given)
    drawn = draw_levels(LAYOUT, len(LEVELS), 2, named_generator(9))
    assert drawn.shape == (2, len(LAYOUT.starts))
    assert ode_loss(student, trajectory, LAYOUT, drawn) < 1e-10
    all_clean = torch.full_like(drawn, len(LEVELS) - 1)
    assert ode_loss(model(4), trajectory, LAYOUT, all_clean) == 0
    assert ode_loss(model(4), trajectory, LAYOUT, drawn * 0) > 0.01


def test_integration_grid_must_hold_the_recorded_levels():
    assert integration_grid(LEVELS, 2) == pytest.approx((1.0, 0.95, 0.9, 0.7, 0.5, 0.25, 0.0))
    with pytest.raises(ValueError, match="recorded"):
        TrajectorySettings((1.0, 0.5, 0.0), LEVELS)
    with pytest.raises(ValueError, match="fall"):
        TrajectorySettings((0.9, 0.0), (0.9, 0.0))


def test_self_forcing_updates_the_right_players(clips):
    players = Players(model(5), model(6), model(7).requires_grad_(False))
    rollout = RolloutSettings((1.0, 0.9), CacheWindow(2, sink=True))
    losses = SelfForcing(rollout, MatchingSettings(10, 0.02, 0.98, 3.0), 3, Ranks())
    losses.generator_loss(players, clips, Chances(1, named_generator(10))).backward()
    assert any(p.grad is not None and p.grad.abs().max() > 0 for p in players.student.parameters())
    assert all(p.grad is None for p in players.critic.parameters())
    players.student.zero_grad(set_to_none=True)
    losses.critic_loss(players, clips, Chances(0, named_generator(11))).backward()
    assert all(p.grad is None for p in players.student.parameters())
    assert any(p.grad is not None and p.grad.abs().max() > 0 for p in players.critic.parameters())


def test_critic_loss_of_a_silent_critic_is_the_velocity_energy(clips):
    silent = build_backbone(CONFIG, v2(), named_generator(12))  # its output layer starts at zero
    noise = torch.randn(clips.latents.shape, generator=named_generator(13))
    sample = noised(clips.latents, torch.tensor([0.5, 0.5]), noise)
    expected = (noise - clips.latents)[:, :, 1:].square().mean()
    assert critic_loss(silent, sample, clips.given).item() == pytest.approx(expected.item(), rel=1e-5)


def test_path_goes_there_and_back():
    poses = torch.eye(4, dtype=torch.float64).repeat(4, 1, 1)
    poses[:, 0, 3] = torch.arange(4.0)
    path, lenses = there_and_back(poses, torch.ones(4, 4), 9)
    assert path[:, 0, 3].tolist() == [0, 1, 2, 3, 2, 1, 0, 1, 2]
    assert lenses.shape == (9, 4)
