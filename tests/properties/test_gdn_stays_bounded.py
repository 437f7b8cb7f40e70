"""Eq. 4-5: with scaled normalized keys no frame's transition expands, and nothing a sequence of them makes does."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.affine import delta_rule_steps, forward_summary
from kernels.key_prep import prepare_features


@given(seed=st.integers(0, 10_000), space=st.integers(1, 9), width=st.sampled_from([4, 8, 12]))
@settings(max_examples=25, deadline=None)
def test_transition_never_expands(seed: int, space: int, width: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    raw = torch.randn(1, 3, space, width, generator=generator) * 100
    key = prepare_features(raw, torch.ones(width), heads=1, eps=1e-5, scale=(width * space) ** -0.5)
    gate, decay = torch.rand(1, 1, 3, space, generator=generator), torch.rand(1, 1, 3, generator=generator)
    steps = delta_rule_steps(key, torch.ones_like(key), gate, decay)
    norms = torch.linalg.matrix_norm(steps.transition, 2)
    assert bool((norms <= decay + 1e-5).all())
    assert torch.linalg.matrix_norm(forward_summary(steps).transition, 2) <= decay.prod() + 1e-5


def test_the_bound_needs_the_key_scale() -> None:
    raw = torch.ones(1, 1, 8, 4)
    key = prepare_features(raw, torch.ones(4), heads=1, eps=1e-5, scale=1.0)
    steps = delta_rule_steps(key, key, torch.ones(1, 1, 1, 8), torch.ones(1, 1, 1))
    assert torch.linalg.matrix_norm(steps.transition, 2).max() > 2
