"""The batched recurrence equals Eq. 3 written token by token, in outputs and gradients, however time is cut."""

import pytest
import torch
from torch import Tensor

from kernels.affine import backward_summary, delta_rule_steps, forward_states, forward_summary
from kernels.camera_gdn import CameraGDNCarry, CameraGDNInputs, camera_gdn, camera_gdn_summary
from kernels.frame_gdn import FrameGDNCarry, FrameGDNInputs, frame_gdn

BATCH, HEADS, FRAMES, SPACE, DIM = 2, 2, 5, 3, 4
EPS = 1e-3  # large enough that random features do not divide by nearly nothing


def random_inputs(seed: int, *, delta: bool = True) -> FrameGDNInputs:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator).requires_grad_()

    wide = (BATCH, HEADS, FRAMES, SPACE, DIM)
    features = [draw(*wide) for _ in range(5)]
    return FrameGDNInputs(*features, draw(*wide[:4]), draw(*wide[:3]), delta)


def scan_naively(key: Tensor, value: Tensor, gate: Tensor, decay: Tensor, order: list[int]) -> dict[int, Tensor]:
    """S = g S + (V - g S K) B K^T of one batch element and head, frame after frame in ``order``."""
    state = torch.zeros(value.shape[-1], key.shape[-1])
    states = {}
    for frame in order:
        k, v, b = key[frame].T, value[frame].T, torch.diag(gate[frame])
        decayed = decay[frame] * state
        state = decayed + (v - decayed @ k) @ b @ k.T
        states[frame] = state
    return states


def naive_output(inputs: FrameGDNInputs, starts: list[int]) -> Tensor:
    rows = []
    for batch in range(BATCH):
        for head in range(HEADS):
            gate, decay = inputs.update_gate[batch, head], inputs.decay[batch, head]
            ones = torch.ones(FRAMES, SPACE, 1)
            outputs = []
            for frame in range(FRAMES):
                end = min([start for start in starts if start > frame], default=FRAMES)
                earlier, later = list(range(frame + 1)), list(range(end - 1, frame, -1))
                total = []
                for key, value, query in (
                    (inputs.rotated_key, inputs.value[batch, head], inputs.rotated_query),
                    (inputs.key, ones, inputs.query),
                ):
                    k, q = key[batch, head], query[batch, head, frame].T
                    read = scan_naively(k, value, gate, decay, earlier)[frame] @ q
                    if later:
                        read = read + scan_naively(k, value, gate, decay, later)[frame + 1] @ q
                    total.append(read)
                outputs.append((total[0] / (total[1] + EPS)).T)
            rows.append(torch.stack(outputs))
    return torch.stack(rows).view(BATCH, HEADS, FRAMES, SPACE, DIM)


@pytest.mark.parametrize("starts", [[0], [0, 2], [0, 1, 3]])
def test_frame_gdn_equals_the_equation(starts: list[int]) -> None:
    inputs = random_inputs(0)
    resets = [frame in starts[1:] for frame in range(FRAMES)]
    output, _ = frame_gdn(inputs, resets, EPS)
    expected = naive_output(inputs, starts)
    torch.testing.assert_close(output, expected, rtol=1e-4, atol=1e-5)
    leaves = [inputs.key, inputs.value, inputs.update_gate, inputs.decay, inputs.rotated_query]
    weight = torch.rand(output.shape, generator=torch.Generator().manual_seed(1))
    ours = torch.autograd.grad((output * weight).sum(), leaves)
    theirs = torch.autograd.grad((expected * weight).sum(), leaves)
    for mine, naive in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, naive, rtol=1e-3, atol=1e-4)


def test_linear_attention_is_the_sum_over_all_frames() -> None:
    inputs = random_inputs(2, delta=False)
    output, _ = frame_gdn(inputs, [False] * FRAMES, EPS)
    flat_key, flat_value = inputs.rotated_key.flatten(2, 3), inputs.value.flatten(2, 3)
    numerator = inputs.rotated_query.flatten(2, 3) @ (flat_key.mT @ flat_value)
    denominator = inputs.query.flatten(2, 3) @ inputs.key.flatten(2, 3).sum(2)[..., None]
    expected = (numerator / (denominator + EPS)).view_as(output)
    torch.testing.assert_close(output, expected, rtol=1e-4, atol=1e-5)


def cut(inputs: CameraGDNInputs, start: int, stop: int) -> CameraGDNInputs:
    return CameraGDNInputs(
        *(getattr(inputs, name)[:, :, start:stop] for name in ("query", "key", "value", "update_gate", "decay"))
    )


@pytest.mark.parametrize("place", [1, 2, 4])
def test_any_cut_of_time_gives_the_same_output(place: int) -> None:
    full = random_inputs(3)
    inputs = CameraGDNInputs(full.query, full.key, full.value, full.update_gate, full.decay)
    resets = [False, False, False, True, False]
    whole, last = camera_gdn(inputs, resets)
    left, right = cut(inputs, 0, place), cut(inputs, place, FRAMES)
    after = camera_gdn_summary(right, resets[place:]).backward.update
    first, state = camera_gdn(left, resets[:place], CameraGDNCarry(after=after))
    second, end = camera_gdn(right, resets[place:], CameraGDNCarry(before=state))
    torch.testing.assert_close(torch.cat((first, second), 2), whole, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(end, last, rtol=1e-4, atol=1e-5)


def test_summary_maps_any_entering_state() -> None:
    inputs = random_inputs(4)
    steps = delta_rule_steps(inputs.key, inputs.value, inputs.update_gate, inputs.decay)
    entering = torch.rand(BATCH, HEADS, DIM, DIM, generator=torch.Generator().manual_seed(5))
    summary = forward_summary(steps)
    composed = entering @ summary.transition + summary.update
    torch.testing.assert_close(composed, forward_states(steps, entering)[:, :, -1], rtol=1e-4, atol=1e-5)
    assert torch.count_nonzero(backward_summary(steps, [False, True, False, False, False]).transition) == 0


def test_carried_state_enters_both_streams() -> None:
    inputs = random_inputs(6)
    _, state = frame_gdn(inputs, [False] * FRAMES, EPS)
    fresh, _ = frame_gdn(inputs, [False] * FRAMES, EPS)
    carried, _ = frame_gdn(inputs, [False] * FRAMES, EPS, FrameGDNCarry(before=state))
    assert not torch.allclose(fresh, carried)
