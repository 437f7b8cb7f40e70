"""The gradients written out in plain PyTorch equal float64 autograd of the references, for every input."""

from dataclasses import fields, replace
from typing import TypeVar

import pytest
import torch
from torch import Tensor

from kernels.camera_gdn import backward as camera_backward
from kernels.camera_gdn import reference as camera_reference
from kernels.camera_gdn.types import CameraGDNCarry, CameraGDNInputs, CameraGDNRaw
from kernels.frame_gdn import backward as frame_backward
from kernels.frame_gdn import reference as frame_reference
from kernels.frame_gdn.types import FrameGDNCarry, FrameGDNInputs, FrameGDNRaw, FrameGDNState
from kernels.key_prep import reference as key_reference
from kernels.key_prep.backward import features_backward
from kernels.problems import CallSize, random_camera, random_frame
from kernels.ray_rope import reference as ray_reference
from kernels.ray_rope.backward import rotate_backward, transform_backward
from kernels.short_conv.backward import short_conv_backward
from kernels.short_conv.reference import short_conv

Raw = TypeVar("Raw", FrameGDNRaw, CameraGDNRaw)
EPS = 1e-3
SIZE = CallSize(2, 2, 4, 5, 8)
RESETS = ([False] * 4, [False, True, False, True])
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def float64_references(monkeypatch: pytest.MonkeyPatch) -> None:
    """The references compute in ``Tensor.float()``: here that is float64."""
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def close(mine: Tensor, autograd: Tensor) -> None:
    mine, autograd = mine.detach(), autograd.detach()
    assert float((mine - autograd).norm()) <= 1e-9 * float(autograd.norm()) + 1e-12


def leaves(raw: Raw) -> tuple[Raw, list[str]]:
    """The call in float64 with every tensor a leaf, and the tensors' names."""
    tensors = {one.name: getattr(raw, one.name) for one in fields(raw)}
    made = {name: one.double().clone().requires_grad_() for name, one in tensors.items() if isinstance(one, Tensor)}
    return replace(raw, **made), list(made)


def entering(rows: int, seed: int) -> Tensor:
    return (0.1 * draw(SIZE.batch, SIZE.heads, rows, SIZE.dim, seed=seed)).abs().requires_grad_()


def state(packed: Tensor) -> FrameGDNState:
    return FrameGDNState(packed[:, :, :-1], packed[:, :, -1:])


@pytest.mark.parametrize("resets", RESETS)
def test_the_fused_main_branch(resets: list[bool]) -> None:
    raw, names = leaves(random_frame(SIZE, CPU, torch.float32, 0))
    before, after = entering(SIZE.dim + 1, 1), entering(SIZE.dim + 1, 2)
    output, last = frame_reference.frame_gdn(
        frame_reference.prepare(raw), resets, EPS, FrameGDNCarry(state(before), state(after))
    )
    packed = torch.cat((last.matrix, last.normalizer), 2)
    incoming = frame_backward.Incoming(draw(*output.shape, seed=3), draw(*packed.shape, seed=4))
    wanted = [getattr(raw, name) for name in names]
    expected = torch.autograd.grad((output, packed), [*wanted, before, after], (incoming.output, incoming.last))
    with torch.no_grad():
        ends = frame_backward.PackedEnds(before, after)
        mine = frame_backward.frame_gdn_raw_backward(raw, resets, EPS, ends, incoming)
    for name, gradient in zip([*names, "before", "after"], expected, strict=True):
        close(getattr(mine, name), gradient)


@pytest.mark.parametrize("resets", RESETS)
def test_the_fused_camera_branch(resets: list[bool]) -> None:
    raw, names = leaves(random_camera(SIZE, CPU, torch.float32, 0))
    before, after = entering(SIZE.dim, 1), entering(SIZE.dim, 2)
    output, last = camera_reference.camera_gdn_raw(raw, resets, CameraGDNCarry(before, after))
    incoming = camera_backward.Incoming(draw(*output.shape, seed=3), draw(*last.shape, seed=4))
    wanted = [getattr(raw, name) for name in names]
    expected = torch.autograd.grad((output, last), [*wanted, before, after], (incoming.output, incoming.last))
    with torch.no_grad():
        carry = CameraGDNCarry(before, after)
        mine = camera_backward.camera_gdn_raw_backward(raw, resets, carry, incoming)
    for name, gradient in zip([*names, "before", "after"], expected, strict=True):
        close(getattr(mine, name), gradient)


@pytest.mark.parametrize("delta", [True, False])
def test_prepared_features(*, delta: bool) -> None:
    shape = (SIZE.batch, SIZE.heads, SIZE.frames, SIZE.space, SIZE.dim)
    features = [draw(*shape, seed=seed).abs().mul(0.3).requires_grad_() for seed in range(5)]
    gates = [draw(*shape[:4], seed=6).sigmoid().requires_grad_(), draw(*shape[:3], seed=7).sigmoid().requires_grad_()]
    inputs = FrameGDNInputs(*features, *gates, delta)
    output, last = frame_reference.frame_gdn(inputs, RESETS[1], EPS, FrameGDNCarry())
    packed = torch.cat((last.matrix, last.normalizer), 2)
    incoming = frame_backward.Incoming(draw(*output.shape, seed=8), draw(*packed.shape, seed=9))
    wanted = [*features, *gates]
    expected = torch.autograd.grad(
        (output, packed), wanted, (incoming.output, incoming.last), allow_unused=True, materialize_grads=True
    )
    with torch.no_grad():
        ends = frame_backward.PackedEnds()
        mine = frame_backward.frame_gdn_backward(inputs, RESETS[1], EPS, ends, incoming)
    for one, gradient in zip(list(vars(mine).values())[:7], expected, strict=True):
        close(one, gradient)


def test_prepared_camera_features() -> None:
    shape = (SIZE.batch, SIZE.heads, SIZE.frames, SIZE.space, SIZE.dim)
    features = [draw(*shape, seed=seed).mul(0.3).requires_grad_() for seed in range(3)]
    gates = [draw(*shape[:4], seed=6).sigmoid().requires_grad_(), draw(*shape[:3], seed=7).sigmoid().requires_grad_()]
    inputs = CameraGDNInputs(*features, *gates)
    output, last = camera_reference.camera_gdn(inputs, RESETS[1], CameraGDNCarry())
    incoming = camera_backward.Incoming(draw(*output.shape, seed=8), draw(*last.shape, seed=9))
    expected = torch.autograd.grad((output, last), [*features, *gates], (incoming.output, incoming.last))
    with torch.no_grad():
        mine = camera_backward.camera_gdn_backward(inputs, RESETS[1], CameraGDNCarry(), incoming)
    for one, gradient in zip(list(vars(mine).values())[:5], expected, strict=True):
        close(one, gradient)


def test_features_rotation_and_rays() -> None:
    raw, weight = draw(2, 3, 5, 16).requires_grad_(), draw(16, seed=1).requires_grad_()
    features = key_reference.prepare_features(raw, weight, 2, 1e-5, 0.3)
    gradient = draw(*features.shape, seed=2)
    for mine, theirs in zip(
        features_backward(raw, weight, gradient, 1e-5, 0.3),
        torch.autograd.grad(features, (raw, weight), gradient),
        strict=True,
    ):
        close(mine, theirs)
    heads, angle = draw(2, 2, 3, 5, 16, seed=3).requires_grad_(), draw(3, 5, 8, seed=4)
    tables = [angle.cos().requires_grad_(), angle.sin().requires_grad_()]
    turned = ray_reference.rotate(heads, *tables)
    gradient = draw(*turned.shape, seed=5)
    expected = torch.autograd.grad(turned, (heads, *tables), gradient)
    for mine, theirs in zip(vars(rotate_backward(heads, *tables, gradient)).values(), expected, strict=True):
        close(mine, theirs)
    matrix, quarter = draw(2, 3, 5, 4, 4, seed=6).requires_grad_(), angle[..., :4]
    tables = [quarter.cos().requires_grad_(), quarter.sin().requires_grad_()]
    moved = ray_reference.transform_rays(heads, matrix, *tables)
    expected = torch.autograd.grad(moved, (heads, matrix, *tables), gradient)
    for mine, theirs in zip(vars(transform_backward(heads, matrix, *tables, gradient)).values(), expected, strict=True):
        close(mine, theirs)


@pytest.mark.parametrize("ids", [[0] * 5 + [-1] * 3, [0, 1, 2, 3, 4, -1, -2, -3], [0, 0, 1, 1, 1, 1, 2, 2]])
def test_short_convolution(ids: list[int]) -> None:
    extended, weight = draw(2, 11, 3, 4).requires_grad_(), draw(4, 4, seed=1).requires_grad_()
    output = short_conv(extended, weight, ids)
    gradient = draw(*output.shape, seed=2)
    expected = torch.autograd.grad(output, (extended, weight), gradient)
    with torch.no_grad():
        for mine, theirs in zip(short_conv_backward(extended, weight, ids, gradient), expected, strict=True):
            close(mine, theirs)
