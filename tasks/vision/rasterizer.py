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
MOST_FRAGMENTS = 600_000  # about 50 MB of working memory; a quarter faster than fresh memory for a whole picture


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
class _Rows:
    """Pieces of picture rows, one a splat and row it touches, nearest splat first.

    Attributes:
        splat: index of the splat.
        length: pixels in the piece.
        pixel: number of its first pixel in the picture.
        shift: first pixel's distance from where alpha peaks in this row.
        curvature: half the conic's x^2 coefficient.
        peak: logarithm of alpha at the peak.
    """

    splat: Int[Tensor, "rows"]
    length: Int[Tensor, "rows"]
    pixel: Int[Tensor, "rows"]
    shift: Float[Tensor, "rows"]
    curvature: Float[Tensor, "rows"]
    peak: Float[Tensor, "rows"]


@dataclass(frozen=True)
class _Fragments:
    """Pixel contributions, grouped by pixel, nearest first within a pixel; ``count`` says how many each pixel has."""

    splat: Int[Tensor, "fragments"]
    alpha: Float[Tensor, "fragments"]
    count: Int[Tensor, "pixels"]


def render(gaussians: Gaussians, camera: Camera) -> Rendering:
    """Render a scene from one camera, in bands of rows, so that memory stays bounded however near splats are."""
    splats = project(gaussians, camera)
    features = torch.cat([splats.colors, splats.depth[:, None], torch.ones(len(splats.depth), 1)], dim=1)
    rows = _rows(splats, camera)
    bands = [_compose(_cut(rows, band, camera), features, len(band) * camera.width) for band in _bands(rows, camera)]
    sums = torch.cat(bands).view(camera.height, camera.width, 5)
    alpha = sums[..., 4]
    depth = torch.where(alpha > 0, sums[..., 3] / alpha.clamp(min=1e-6), torch.zeros(()))
    return Rendering(sums[..., :3], alpha, depth)


def _bands(rows: _Rows, camera: Camera) -> list[range]:
    """Consecutive picture rows that together hold at most ``MOST_FRAGMENTS`` fragments (or are a single row)."""
    counts = torch.bincount(rows.pixel // camera.width, weights=rows.length.double(), minlength=camera.height)
    bands, start, filled = [], 0, 0.0
    for row, count in enumerate(counts.tolist()):
        if filled + count > MOST_FRAGMENTS and row > start:
            bands.append(range(start, row))
            start, filled = row, 0.0
        filled += count
    return [*bands, range(start, camera.height)]


def _cut(rows: _Rows, band: range, camera: Camera) -> _Rows:
    """The rows of one band, pixels counted from its start."""
    if len(band) == camera.height:
        return rows
    first = band.start * camera.width
    inside = torch.nonzero((rows.pixel >= first) & (rows.pixel < band.stop * camera.width))[:, 0]
    return _Rows(
        rows.splat[inside],
        rows.length[inside],
        rows.pixel[inside] - first,
        rows.shift[inside],
        rows.curvature[inside],
        rows.peak[inside],
    )


def _compose(rows: _Rows, features: Float[Tensor, "splats 5"], pixels: int) -> Float[Tensor, "pixels 5"]:
    """Weighted sum of splat features per pixel."""
    fragments = _fragments(rows, pixels)
    first = torch.cumsum(fragments.count, 0) - fragments.count
    weights = fragments.alpha * _transmittance(fragments, first)
    bag = torch.nn.functional.embedding_bag
    return bag(fragments.splat, features, first, mode="sum", per_sample_weights=weights)


def _rows(splats: Splats, camera: Camera) -> _Rows:
    """Cut every splat into the parts of picture rows in which its alpha is at least 1/255."""
    index, row = _touched_rows(splats, camera.height)
    a, b, c = splats.conics.index_select(0, index).unbind(1)
    center_x, center_y = splats.centers.index_select(0, index).unbind(1)
    offset = row - center_y
    middle = center_x - b / a * offset
    fall = (c - b * b / a) * offset * offset
    half = ((splats.reach.index_select(0, index) - fall).clamp(min=0) / a).sqrt()
    start = (middle - half).ceil().clamp(min=0)
    length = ((middle + half).floor().clamp(max=camera.width - 1) - start + 1).clamp(min=0)
    return _Rows(
        splat=index,
        length=length.long(),
        # An empty piece may start beyond the right edge; it must not count as a piece of the next row.
        pixel=(row.double() * camera.width + start.clamp(max=camera.width - 1)).long(),
        shift=start - middle,
        curvature=a / 2,
        peak=splats.log_opacity.index_select(0, index) - fall / 2,
    )


def _touched_rows(splats: Splats, height: int) -> tuple[Int[Tensor, "rows"], Float[Tensor, "rows"]]:
    """For every picture row a splat touches: the splat's index and the row's number."""
    top = (splats.centers[:, 1] - splats.spread[:, 1]).ceil().clamp(min=0)
    bottom = (splats.centers[:, 1] + splats.spread[:, 1]).floor().clamp(max=height - 1)
    count = (bottom - top + 1).clamp(min=0).long()
    index = torch.repeat_interleave(torch.arange(len(count)), count)
    within = torch.arange(len(index)) - (torch.cumsum(count, 0) - count).index_select(0, index)
    return index, top.index_select(0, index) + within


def _fragments(rows: _Rows, pixels: int) -> _Fragments:
    """Expand the rows to fragments and group them by pixel."""
    line = torch.repeat_interleave(torch.arange(len(rows.length)), rows.length)
    column = torch.arange(len(line)) - (torch.cumsum(rows.length, 0) - rows.length).index_select(0, line)
    distance = rows.shift.index_select(0, line) + column
    falloff = rows.curvature.index_select(0, line) * distance * distance
    alpha = torch.exp(rows.peak.index_select(0, line) - falloff).clamp(max=LARGEST_ALPHA)
    pixel = rows.pixel.index_select(0, line) + column
    order = _stable_order(pixel, pixels)
    splat = rows.splat.index_select(0, line)
    count = torch.bincount(pixel, minlength=pixels)
    return _Fragments(splat.index_select(0, order), alpha.index_select(0, order), count)


def _stable_order(pixel: Int[Tensor, "fragments"], pixels: int) -> Int[Tensor, "fragments"]:
    """Order by pixel that keeps the depth order: NumPy sorts 16-bit keys by radix, several times faster than torch."""
    keys = pixel.numpy()
    order = np.argsort(keys.astype(np.uint16), kind="stable")  # the cast keeps the low 16 bits
    if pixels > 0x10000:
        order = order[np.argsort((keys >> 16).astype(np.uint16)[order], kind="stable")]
    return torch.from_numpy(order)


def _transmittance(fragments: _Fragments, first: Int[Tensor, "pixels"]) -> Float[Tensor, "fragments"]:
    """Light that reaches each fragment: the product of 1 - alpha over the nearer fragments of its pixel."""
    logs = torch.log1p(-fragments.alpha)
    before = torch.cumsum(logs, 0, dtype=torch.float64) - logs
    filled = fragments.count > 0
    start = torch.repeat_interleave(before[first[filled]], fragments.count[filled])
    return torch.exp((before - start).float())
