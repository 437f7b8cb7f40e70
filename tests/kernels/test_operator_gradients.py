"""Operators have gradients wherever they run: where a device fails its self-check, plain PyTorch's. No second ones."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from kernels.autograd import SecondDerivativeError
from kernels.camera_gdn import ops as camera_ops
from kernels.camera_gdn import reference as camera_reference
from kernels.camera_gdn.types import CameraGDNCarry
from kernels.frame_gdn import ops as frame_ops
from kernels.frame_gdn import reference as frame_reference
from kernels.frame_gdn.types import FrameGDNCarry
from kernels.key_prep import ops as key_ops
from kernels.key_prep import reference as key_reference
from kernels.problems import CallSize, random_camera, random_frame
from kernels.short_conv import ops as conv_ops
from kernels.short_conv import reference as conv_reference

SIZE, RESETS, EPS = CallSize(1, 2, 3, 4, 16), [False, True, False], 1e-3
CPU = torch.device("cpu")


def close(mine: tuple[Tensor, ...], theirs: tuple[Tensor, ...]) -> None:
    for one, other in zip(mine, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("wanted", [("query",), ("key", "update_gate", "decay"), ("value", "query_weight", "cosine")])
def test_the_main_branch_gives_the_wanted_gradients_only(wanted: tuple[str, ...]) -> None:
    raw = random_frame(SIZE, CPU, torch.float32, 0)
    leaves = {name: getattr(raw, name).detach().clone().requires_grad_() for name in wanted}
    call = replace(raw, **leaves)
    mine, state = frame_ops.frame_gdn_raw(call, RESETS, EPS, FrameGDNCarry(), gated=True)
    theirs, expected = frame_reference.frame_gdn(frame_reference.prepare(call), RESETS, EPS, FrameGDNCarry())
    totals = mine.sum() + state.matrix.sum(), theirs.sum() + expected.matrix.sum()
    close(*(torch.autograd.grad(total, list(leaves.values())) for total in totals))


@pytest.mark.parametrize("wanted", [("query", "ray_from_world"), ("key", "update_gate"), ("value", "key_weight")])
def test_the_camera_branch_gives_the_wanted_gradients_only(wanted: tuple[str, ...]) -> None:
    raw = random_camera(SIZE, CPU, torch.float32, 0)
    leaves = {name: getattr(raw, name).detach().clone().requires_grad_() for name in wanted}
    call = replace(raw, **leaves)
    mine, _ = camera_ops.camera_gdn_raw(call, RESETS, CameraGDNCarry(), gated=True)
    theirs, _ = camera_reference.camera_gdn_raw(call, RESETS, CameraGDNCarry())
    close(*(torch.autograd.grad(output.square().sum(), list(leaves.values())) for output in (mine, theirs)))


def test_the_convolution_has_gradients_whatever_its_length() -> None:
    for taps in (3, 4):
        extended, weight = torch.randn(1, 4 + 2 * (taps - 1), 2, 3), torch.randn(3, taps)
        leaves, ids = (extended.requires_grad_(), weight.requires_grad_()), [0, 0, 1, 1, *[-1] * (taps - 1)]
        outputs = conv_ops.short_conv(*leaves, ids, gated=True), conv_reference.short_conv(*leaves, ids)
        close(*(torch.autograd.grad(output.square().sum(), leaves) for output in outputs))


def test_a_whole_sequence_has_gradients_without_its_zeros() -> None:
    frames, weight = torch.randn(1, 5, 2, 6)[..., 1:4], torch.randn(3, 4)
    leaves, ids = (frames.requires_grad_(), weight.requires_grad_()), [0, 0, 1, 1, 1]
    mine = conv_ops.short_conv_alone(*leaves, ids, gated=True)
    theirs = conv_reference.short_conv(*conv_reference.with_zeros(*leaves, ids))
    close((mine,), (theirs,))
    close(*(torch.autograd.grad(output.square().sum(), leaves) for output in (mine, theirs)))


def test_a_second_derivative_is_refused_and_the_way_out_named() -> None:
    raw, weight = torch.randn(1, 1, 2, 16, requires_grad=True), torch.ones(16)
    features = key_ops.prepare_features(raw, weight, 2, 1e-5, 1.0, gated=True)
    expected = key_reference.prepare_features(raw, weight, 2, 1e-5, 1.0)
    (first,) = torch.autograd.grad(features.square().sum(), raw, create_graph=True)
    close((first,), torch.autograd.grad(expected.square().sum(), raw))
    with pytest.raises(SecondDerivativeError, match=r"backend=Backend\.REFERENCE"):
        first.sum().backward()


def test_a_backward_operator_is_one_node_of_known_shapes() -> None:
    """The fake implementations give what the operators do, which ``torch.compile`` relies on."""
    raw = random_frame(SIZE, CPU, torch.float32, 0)
    inputs = [raw.query, raw.key, raw.value, raw.query_weight, raw.key_weight, raw.cosine, raw.sine]
    inputs += [raw.update_gate, raw.decay]
    output = torch.randn(1, SIZE.frames, SIZE.space, SIZE.heads, SIZE.dim)
    incoming = [output, torch.randn(1, SIZE.heads, SIZE.dim + 1, SIZE.dim)]
    wanted = [True, False, True, True, False, False, False, True, True, False, False]
    arguments = (inputs, None, None, incoming, RESETS, [1e-5, 0.1, EPS], wanted, True)
    torch.library.opcheck(
        torch.ops.sana_wm.frame_gdn_raw_backward.default, arguments, test_utils=("test_schema", "test_faketensor")
    )
