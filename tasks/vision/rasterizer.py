r"""A small PyTorch rasterizer of 3-D Gaussians for CPU: exact alpha compositing, one picture at a time.

Every splat is cut into picture rows, every row into the pixels where its alpha is at least 1/255 (the ends of the
interval follow from the conic), so that only fragments that count are made. They come in depth order; a stable sort by
pixel groups them, and a picture is a weighted sum per pixel:

.. math:: C = \sum_i c_i \alpha_i \prod_{j<i} (1 - \alpha_j), \qquad \alpha_i = \min(0.999, o_i e^{-q_i/2})
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tasks.vision.gaussians import Gaussians
from tasks.vision.projection import Camera, Splats, project

LARGEST_ALPHA = 0.999


@dataclass(frozen=True)
class Rendering:
    """One rendered picture.

    Attributes:
        color: composited over black, not clamped.
        alpha: how much of a pixel is covered.
        depth: expected depth along the optical axis of what covers it, 0 where nothing does.
    """

    color: Float[Tensor, "height width 3"]
    alpha: Float[Tensor, "height width"]
    depth: Float[Tensor, "height width"]


@dataclass(frozen=True)
class _Fragments:
    """Pixel contributions, grouped by pixel, nearest first within a pixel."""

    splat: Int[Tensor, "fragments"]
    alpha: Float[Tensor, "fragments"]
    pixel: Int[Tensor, "fragments"]


def render(gaussians: Gaussians, camera: Camera) -> Rendering:
    """Render a scene from one camera."""
    splats = project(gaussians, camera)
    fragments = _fragments(splats, camera)
    count = torch.bincount(fragments.pixel, minlength=camera.height * camera.width)
    first = torch.cumsum(count, 0) - count
    weights = fragments.alpha * _transmittance(fragments, first)
    features = torch.cat([splats.colors, splats.depth[:, None], torch.ones(len(splats.depth), 1)], dim=1)
    sums = torch.nn.functional.embedding_bag(
        fragments.splat, features, first, mode="sum", per_sample_weights=weights
    ).view(camera.height, camera.width, 5)
    alpha = sums[..., 4]
    depth = torch.where(alpha > 0, sums[..., 3] / alpha.clamp(min=1e-6), torch.zeros(()))
    return Rendering(sums[..., :3], alpha, depth)


def _fragments(splats: Splats, camera: Camera) -> _Fragments:
    """All fragments with alpha of at least 1/255."""
    rows_of, row = _expand_rows(splats, camera.height)
    a, b, c = splats.conics.index_select(0, rows_of).unbind(1)
    center_x, center_y = splats.centers.index_select(0, rows_of).unbind(1)
    offset = row - center_y
    middle = center_x - b / a * offset
    fall = (c - b * b / a) * offset * offset
    half = ((splats.reach.index_select(0, rows_of) - fall).clamp(min=0) / a).sqrt()
    start = (middle - half).ceil().clamp(min=0)
    length = ((middle + half).floor().clamp(max=camera.width - 1) - start + 1).clamp(min=0).long()
    line = torch.repeat_interleave(torch.arange(len(length)), length)
    column = torch.arange(len(line)) - (torch.cumsum(length, 0) - length).index_select(0, line)
    # One gather of four numbers per fragment instead of four gathers.
    table = torch.stack(
        [start - middle, a / 2, splats.log_opacity.index_select(0, rows_of) - fall / 2, row * camera.width + start], 1
    )
    shift, curvature, peak, base = table.index_select(0, line).unbind(1)
    alpha = torch.exp(peak - curvature * (shift + column) ** 2).clamp(max=LARGEST_ALPHA)
    pixel = base.int() + column.int()
    order = _stable_order(pixel, camera.height * camera.width)
    splat = rows_of.index_select(0, line.index_select(0, order))
    return _Fragments(splat, alpha.index_select(0, order), pixel.index_select(0, order))


def _expand_rows(splats: Splats, height: int) -> tuple[Int[Tensor, "rows"], Float[Tensor, "rows"]]:
    """For every picture row a splat touches: its index and the row's number."""
    top = (splats.centers[:, 1] - splats.spread[:, 1]).ceil().clamp(min=0)
    bottom = (splats.centers[:, 1] + splats.spread[:, 1]).floor().clamp(max=height - 1)
    count = (bottom - top + 1).clamp(min=0).long()
    index = torch.repeat_interleave(torch.arange(len(count)), count)
    within = torch.arange(len(index)) - (torch.cumsum(count, 0) - count).index_select(0, index)
    return index, top.index_select(0, index) + within


def _stable_order(pixel: Int[Tensor, "fragments"], pixels: int) -> Int[Tensor, "fragments"]:
    """Order by pixel that keeps the depth order: NumPy sorts 16-bit keys by radix, several times faster than torch."""
    keys = pixel.numpy()
    order = np.argsort((keys & 0xFFFF).astype(np.uint16), kind="stable")
    if pixels > 0x10000:
        order = order[np.argsort((keys >> 16).astype(np.uint16)[order], kind="stable")]
    return torch.from_numpy(order)


def _transmittance(fragments: _Fragments, first: Int[Tensor, "pixels"]) -> Float[Tensor, "fragments"]:
    """Light that reaches each fragment: the product of 1 - alpha over the nearer fragments of its pixel."""
    logs = torch.log1p(-fragments.alpha).double()
    before = torch.cumsum(logs, 0) - logs
    if len(before) == 0:
        return before.float()
    start = before[first.clamp(max=len(before) - 1)].index_select(0, fragments.pixel)
    return torch.exp(before - start).float()
