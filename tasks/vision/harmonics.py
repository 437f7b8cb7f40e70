"""Real spherical harmonics of degree 0 to 3: the view-dependent color of a Gaussian."""

import torch
from jaxtyping import Float
from torch import Tensor

BAND_0 = 0.28209479177387814
_BAND_1 = 0.4886025119029199
_BAND_2 = (1.0925484305920792, 0.31539156525252005, 0.5462742152960396)
_BAND_3 = (0.5900435899266435, 2.890611442640554, 0.4570457994644658, 0.3731763325901154, 1.445305721320277)


def harmonic_basis(directions: Float[Tensor, "gaussians 3"], coefficients: int) -> Float[Tensor, "gaussians count"]:
    """Values of the first ``coefficients`` (1, 4, 9 or 16) harmonics at unit ``directions``, in the INRIA order."""
    x, y, z = directions.unbind(1)
    values = [torch.full_like(x, BAND_0)]
    if coefficients > 1:
        values += [-_BAND_1 * y, _BAND_1 * z, -_BAND_1 * x]
    if coefficients > 4:
        a, b, c = _BAND_2
        values += [a * x * y, -a * y * z, b * (2 * z * z - x * x - y * y), -a * x * z, c * (x * x - y * y)]
    if coefficients > 9:
        a, b, c, d, e = _BAND_3
        values += [
            -a * y * (3 * x * x - y * y),
            b * x * y * z,
            -c * y * (4 * z * z - x * x - y * y),
            d * z * (2 * z * z - 3 * x * x - 3 * y * y),
            -c * x * (4 * z * z - x * x - y * y),
            e * z * (x * x - y * y),
            -a * x * (x * x - 3 * y * y),
        ]
    return torch.stack(values[:coefficients], dim=1)


def view_colors(
    harmonics: Float[Tensor, "gaussians coefficients 3"], directions: Float[Tensor, "gaussians 3"]
) -> Float[Tensor, "gaussians 3"]:
    """Color seen along unit ``directions`` (from the camera to the Gaussian): harmonics plus one half, not below 0."""
    basis = harmonic_basis(directions, harmonics.shape[1])
    return (torch.einsum("gk,gkc->gc", basis, harmonics) + 0.5).clamp(min=0)
