r"""EWA projection: 3-D Gaussians to 2-D ones on the image plane, nearest first.

.. math:: \Sigma' = J W \Sigma W^T J^T + 0.3\, I

The conventions are those of the reference rasterizers: near plane, blur of 0.3 square pixels, a Jacobian taken inside
1.3 times the field of view. Pixel centres lie at integers.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tasks.vision.gaussians import Gaussians
from tasks.vision.harmonics import view_colors

NEAR = 0.01
BLUR = 0.3
SMALLEST_ALPHA = 1 / 255
_FIELD_MARGIN = 1.3


@dataclass(frozen=True)
class Camera:
    """A pinhole camera.

    Attributes:
        camera_from_world: OpenCV axes.
        intrinsics: fx fy cx cy in pixels.
        height: picture height in pixels.
        width: picture width in pixels.
    """

    camera_from_world: Float[Tensor, "4 4"]
    intrinsics: Float[Tensor, "4"]
    height: int
    width: int

    @staticmethod
    def at(camera_to_world: Float[Tensor, "4 4"], intrinsics: Float[Tensor, "4"], height: int, width: int) -> "Camera":
        """A camera from its pose (float64, so that the inverse is exact to float32)."""
        return Camera(torch.linalg.inv(camera_to_world.double()).float(), intrinsics.float(), height, width)


@dataclass(frozen=True)
class Splats:
    """2-D Gaussians that touch the picture, sorted by depth, nearest first.

    Attributes:
        centers: pixel coordinates x y.
        conics: inverse covariance a b c of ``a x^2 + 2 b x y + c y^2``.
        spread: half extents x y in pixels within which alpha reaches 1/255.
        reach: the squared Mahalanobis distance at which alpha is 1/255.
        log_opacity: logarithm of the opacity.
        depth: distance along the optical axis.
        colors: linear in [0, inf).
    """

    centers: Float[Tensor, "splats 2"]
    conics: Float[Tensor, "splats 3"]
    spread: Float[Tensor, "splats 2"]
    reach: Float[Tensor, "splats"]
    log_opacity: Float[Tensor, "splats"]
    depth: Float[Tensor, "splats"]
    colors: Float[Tensor, "splats 3"]


def project(gaussians: Gaussians, camera: Camera) -> Splats:
    """Project, cull and sort."""
    rotation, translation = camera.camera_from_world[:3, :3], camera.camera_from_world[:3, 3]
    points = gaussians.means @ rotation.T + translation
    near = torch.nonzero((points[:, 2] > NEAR) & (gaussians.opacities > SMALLEST_ALPHA))[:, 0]
    points = points[near]
    covariance = _plane_covariance(gaussians.covariances[near], points, rotation, camera)
    centers = points[:, :2] / points[:, 2:] * camera.intrinsics[:2] + camera.intrinsics[2:]
    reach = 2 * (gaussians.opacities[near] / SMALLEST_ALPHA).log()
    spread = (reach[:, None] * torch.stack([covariance[:, 0], covariance[:, 2]], 1)).sqrt()
    order = _visible_by_depth(centers, spread, points[:, 2], camera)
    kept = near[order]
    a, b, c = covariance[order].unbind(1)
    determinant = a * c - b * b
    origin = -rotation.T @ translation
    directions = torch.nn.functional.normalize(gaussians.means[kept] - origin, dim=1)
    return Splats(
        centers=centers[order],
        conics=torch.stack([c, -b, a], 1) / determinant[:, None],
        spread=spread[order],
        reach=reach[order],
        log_opacity=gaussians.opacities[kept].log(),
        depth=points[order, 2],
        colors=view_colors(gaussians.harmonics[kept], directions),
    )


def _plane_covariance(
    covariances: Float[Tensor, "gaussians 3 3"],
    points: Float[Tensor, "gaussians 3"],
    rotation: Float[Tensor, "3 3"],
    camera: Camera,
) -> Float[Tensor, "gaussians 3"]:
    """Entries xx, xy, yy of the blurred covariance in square pixels."""
    fx, fy, cx, cy = camera.intrinsics.unbind(0)
    inverse_depth = 1 / points[:, 2]
    limit_x = _FIELD_MARGIN * torch.maximum(cx, camera.width - cx) / fx
    limit_y = _FIELD_MARGIN * torch.maximum(cy, camera.height - cy) / fy
    slope_x = (points[:, 0] * inverse_depth).clamp(-limit_x, limit_x)
    slope_y = (points[:, 1] * inverse_depth).clamp(-limit_y, limit_y)
    # Rows of J W: the gradient of pixel x and of pixel y by world position.
    row_x = (fx * inverse_depth)[:, None] * (rotation[0] - slope_x[:, None] * rotation[2])
    row_y = (fy * inverse_depth)[:, None] * (rotation[1] - slope_y[:, None] * rotation[2])
    by_x = torch.einsum("gij,gj->gi", covariances, row_x)
    by_y = torch.einsum("gij,gj->gi", covariances, row_y)
    return torch.stack([(row_x * by_x).sum(1) + BLUR, (row_x * by_y).sum(1), (row_y * by_y).sum(1) + BLUR], 1)


def _visible_by_depth(
    centers: Float[Tensor, "gaussians 2"],
    spread: Float[Tensor, "gaussians 2"],
    depth: Float[Tensor, "gaussians"],
    camera: Camera,
) -> Int[Tensor, "splats"]:
    size = torch.tensor([camera.width - 1.0, camera.height - 1.0])
    touches = ((centers + spread >= 0) & (centers - spread <= size)).all(1)
    visible = torch.nonzero(touches)[:, 0]
    return visible[torch.sort(depth[visible], stable=True).indices]
