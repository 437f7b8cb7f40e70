"""Level of detail: a scene of many Gaussians as one of at most so many, by merging what lies in one voxel.

A merged Gaussian has the mean and the covariance of its members' mixture (so flat members on one surface stay flat and
leave no hole), their mean color, and an opacity that keeps the covered area.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tasks.vision.gaussians import Gaussians

_HALVINGS = 12
_LARGEST_OPACITY = 0.99
# Even members fill a voxel with a deviation of 0.29 edges, which leaves a lattice between neighbours; this closes it.
_SURFACE_MARGIN = 0.2


def simplify(gaussians: Gaussians, maximum: int) -> Gaussians:
    """The scene itself when it has at most ``maximum`` Gaussians, else its finest voxel merge that has.

    Raises:
        ValueError: ``maximum`` is below 1.
    """
    if maximum < 1:
        raise ValueError(f"maximum is {maximum}; it must be at least 1")
    if len(gaussians) <= maximum:
        return gaussians
    edge = _finest_edge(gaussians.means, maximum)
    _, voxel = torch.unique(_voxel_numbers(gaussians.means, edge), return_inverse=True)
    return _merge(gaussians, voxel, edge)


def _finest_edge(means: Float[Tensor, "gaussians 3"], maximum: int) -> float:
    """Smallest voxel edge, to one part in 4096 of the extent, with at most ``maximum`` filled voxels."""
    coarse, fine = float((means.max(0).values - means.min(0).values).max()) * 1.001 + 1e-6, 0.0
    for _ in range(_HALVINGS):
        edge = (coarse + fine) / 2
        filled = len(torch.unique(_voxel_numbers(means, edge)))
        coarse, fine = (edge, fine) if filled <= maximum else (coarse, edge)
    return coarse


def _voxel_numbers(means: Float[Tensor, "gaussians 3"], edge: float) -> Int[Tensor, "gaussians"]:
    cells = ((means - means.min(0).values) / edge).floor().long()
    size = cells.max(0).values + 1
    return (cells[:, 0] * size[1] + cells[:, 1]) * size[2] + cells[:, 2]


def _merge(gaussians: Gaussians, voxel: Int[Tensor, "gaussians"], edge: float) -> Gaussians:
    areas = _areas(gaussians.scales)
    weights = (gaussians.opacities * areas).double()
    count = int(voxel.max()) + 1
    total = _sum(weights[:, None], voxel, count)

    def mean(values: Float[Tensor, "gaussians fields"]) -> Float[Tensor, "voxels fields"]:
        return _sum(values.double() * weights[:, None], voxel, count) / total

    means = mean(gaussians.means)
    offset = gaussians.means.double() - means[voxel]
    spread = gaussians.covariances.double() + offset[:, :, None] * offset[:, None, :]
    variances, axes = torch.linalg.eigh(mean(spread.flatten(1)).view(count, 3, 3))
    # eigh may return a reflection; a rotation needs determinant +1.
    axes = axes * torch.linalg.det(axes).sign()[:, None, None]
    variances[:, 1:] += (_SURFACE_MARGIN * edge) ** 2
    scales = variances.clamp(min=1e-12).sqrt().float()
    return Gaussians(
        means=means.float(),
        scales=scales,
        rotations=_quaternions(axes).float(),
        opacities=(total[:, 0].float() / _areas(scales)).clamp(max=_LARGEST_OPACITY),
        harmonics=mean(gaussians.harmonics.flatten(1)).float().view(count, *gaussians.harmonics.shape[1:]),
    )


def _areas(scales: Float[Tensor, "gaussians 3"]) -> Float[Tensor, "gaussians"]:
    """Product of the two largest standard deviations: how much of a picture a Gaussian can cover."""
    ordered = scales.sort(dim=1).values
    return ordered[:, 1] * ordered[:, 2]


def _sum(
    values: Float[Tensor, "gaussians fields"], voxel: Int[Tensor, "gaussians"], count: int
) -> Float[Tensor, "voxels fields"]:
    return torch.zeros(count, values.shape[1], dtype=torch.float64).index_add_(0, voxel, values)


def _quaternions(rotations: Float[Tensor, "gaussians 3 3"]) -> Float[Tensor, "gaussians 4"]:
    """Unit quaternions w x y z, from the largest of the four candidates of each rotation."""
    m = rotations
    diagonal = torch.diagonal(m, dim1=1, dim2=2)
    trace = diagonal.sum(1)
    wx, wy, wz = m[:, 2, 1] - m[:, 1, 2], m[:, 0, 2] - m[:, 2, 0], m[:, 1, 0] - m[:, 0, 1]
    xy, xz, yz = m[:, 0, 1] + m[:, 1, 0], m[:, 0, 2] + m[:, 2, 0], m[:, 1, 2] + m[:, 2, 1]
    squares = torch.stack([1 + trace, *(1 + 2 * diagonal[:, axis] - trace for axis in range(3))], 1)
    rows = [[squares[:, 0], wx, wy, wz], [wx, squares[:, 1], xy, xz], [wy, xy, squares[:, 2], yz]]
    rows.append([wz, xz, yz, squares[:, 3]])
    outer = torch.stack([torch.stack(row, 1) for row in rows], 1)
    chosen = outer[torch.arange(len(m)), squares.argmax(1)]
    return torch.nn.functional.normalize(chosen, dim=1)
