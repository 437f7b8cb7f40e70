"""3-D Gaussians: what a splat scene is made of, and the INRIA PLY layout it is stored in."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from data_contracts.errors import ErrorCode, InputError

_PLY_TYPES = {"float": "f4", "float32": "f4", "double": "f8", "float64": "f8", "uchar": "u1", "uint8": "u1"}
_PLY_TYPES |= {"int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "short": "i2", "ushort": "u2", "char": "i1"}
_COEFFICIENTS = {0: 1, 9: 4, 24: 9, 45: 16}  # number of f_rest fields: coefficients per color
_LONGEST_HEADER = 65536


@dataclass(frozen=True)
class Gaussians:
    """Gaussians of one scene, float32, in world units.

    Attributes:
        means: centres.
        scales: standard deviations along the own axes.
        rotations: unit quaternions w x y z, world from own axes.
        opacities: in (0, 1).
        harmonics: spherical harmonics of the color, degree 0 to 3 (1, 4, 9 or 16 coefficients).
    """

    means: Float[Tensor, "gaussians 3"]
    scales: Float[Tensor, "gaussians 3"]
    rotations: Float[Tensor, "gaussians 4"]
    opacities: Float[Tensor, "gaussians"]
    harmonics: Float[Tensor, "gaussians coefficients 3"]

    def __len__(self) -> int:
        return len(self.means)

    @cached_property
    def covariances(self) -> Float[Tensor, "gaussians 3 3"]:
        """R S S^T R^T in world axes."""
        axes = _rotation_matrices(self.rotations) * self.scales[:, None, :]
        return axes @ axes.transpose(1, 2)

    def scaled(self, factor: float) -> "Gaussians":
        """The same scene with every length multiplied by ``factor``."""
        return Gaussians(self.means * factor, self.scales * factor, self.rotations, self.opacities, self.harmonics)


def read_gaussian_ply(path: Path) -> Gaussians:
    """Read a binary little-endian PLY with the INRIA fields.

    Fields: ``x y z``, ``f_dc_0..2``, ``f_rest_*`` (color-major), ``opacity`` (logit), ``scale_0..2`` (log),
    ``rot_0..3`` (w x y z, not normalized). Others are ignored; rows with a value that is not finite are dropped.

    Raises:
        InputError: the file is not such a PLY, or no row is usable.
    """
    try:
        columns = _read_columns(path)
        harmonics = _harmonics(columns)
        gaussians = Gaussians(
            means=_stack(columns, ["x", "y", "z"]),
            scales=_stack(columns, [f"scale_{axis}" for axis in range(3)]).exp(),
            rotations=torch.nn.functional.normalize(_stack(columns, [f"rot_{part}" for part in range(4)]), dim=1),
            opacities=_stack(columns, ["opacity"])[:, 0].sigmoid(),
            harmonics=harmonics,
        )
    except (OSError, KeyError, ValueError, UnicodeDecodeError) as error:
        raise _unusable(path, str(error)) from error
    return _finite(gaussians, path)


def write_gaussian_ply(path: Path, gaussians: Gaussians) -> None:
    """Write the INRIA layout."""
    rest = gaussians.harmonics[:, 1:].transpose(1, 2).flatten(1)
    columns = {name: gaussians.means[:, axis] for axis, name in enumerate("xyz")}
    columns |= {f"f_dc_{color}": gaussians.harmonics[:, 0, color] for color in range(3)}
    columns |= {f"f_rest_{index}": rest[:, index] for index in range(rest.shape[1])}
    columns["opacity"] = torch.logit(gaussians.opacities, eps=1e-6)
    columns |= {f"scale_{axis}": gaussians.scales[:, axis].log() for axis in range(3)}
    columns |= {f"rot_{part}": gaussians.rotations[:, part] for part in range(4)}
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {len(gaussians)}"]
    lines += [f"property float {name}" for name in columns]
    body = torch.stack(list(columns.values()), dim=1).numpy().astype("<f4").tobytes()
    path.write_bytes("\n".join([*lines, "end_header\n"]).encode() + body)


def gaussians_of_points(
    points: Float[Tensor, "gaussians 3"], colors: Float[Tensor, "gaussians 3"], size: float, opacity: float = 0.9
) -> Gaussians:
    """Round Gaussians of one size at colored points (colors in [0, 1])."""
    count = len(points)
    rotations = torch.zeros(count, 4)
    rotations[:, 0] = 1
    return Gaussians(
        means=points.float(),
        scales=torch.full((count, 3), size),
        rotations=rotations,
        opacities=torch.full((count,), opacity),
        harmonics=((colors.float() - 0.5) / 0.28209479177387814)[:, None, :],
    )


def _read_columns(path: Path) -> np.ndarray:
    """The vertex table as a structured array."""
    with path.open("rb") as stream:
        lines = _header_lines(stream.read(_LONGEST_HEADER))
        stream.seek(sum(len(line) + 1 for line in lines))
        if "format binary_little_endian 1.0" not in (line.decode("ascii").strip() for line in lines):
            raise ValueError("the format is not binary_little_endian 1.0")
        elements = [line.split() for line in lines if line.startswith(b"element")]
        if not elements or elements[0][1] != b"vertex":
            raise ValueError("the first element is not vertex")
        count = int(elements[0][2])
        dtype = np.dtype([_field(line) for line in lines if line.startswith(b"property")])
        content = stream.read(count * dtype.itemsize)
    if len(content) != count * dtype.itemsize:
        raise ValueError(f"{count} vertices of {dtype.itemsize} bytes announced, {len(content)} bytes there")
    return np.frombuffer(content, dtype=dtype)


def _header_lines(start: bytes) -> list[bytes]:
    if not start.startswith(b"ply"):
        raise ValueError("it does not start with 'ply'")
    end = start.find(b"end_header\n")
    if end < 0:
        raise ValueError("the header has no end")
    return start[: end + len(b"end_header")].split(b"\n")


def _field(line: bytes) -> tuple[str, str]:
    words = line.decode("ascii").split()
    if len(words) != 3 or words[1] not in _PLY_TYPES:
        raise ValueError(f"property {' '.join(words[1:])!r} is not a scalar")
    return words[2], "<" + _PLY_TYPES[words[1]]


def _stack(columns: np.ndarray, names: list[str]) -> Float[Tensor, "gaussians fields"]:
    missing = [name for name in names if name not in (columns.dtype.names or ())]
    if missing:
        raise KeyError(f"fields {missing} are missing")
    return torch.from_numpy(np.stack([columns[name].astype(np.float32) for name in names], axis=1))


def _harmonics(columns: np.ndarray) -> Float[Tensor, "gaussians coefficients 3"]:
    constant = _stack(columns, [f"f_dc_{color}" for color in range(3)])[:, None, :]
    fields = sum(name.startswith("f_rest_") for name in columns.dtype.names or ())
    if fields not in _COEFFICIENTS:
        raise ValueError(f"{fields} f_rest fields; must be one of {sorted(_COEFFICIENTS)}")
    if fields == 0:
        return constant
    rest = _stack(columns, [f"f_rest_{index}" for index in range(fields)]).view(len(columns), 3, -1).transpose(1, 2)
    # Zero bands are common (scenes without view dependence) and cost as much to evaluate as real ones.
    return torch.cat([constant, rest], dim=1).contiguous() if bool(rest.any()) else constant


def _finite(gaussians: Gaussians, path: Path) -> Gaussians:
    parts = (gaussians.means, gaussians.scales, gaussians.rotations, gaussians.opacities, gaussians.harmonics)
    good = torch.stack([torch.isfinite(part.reshape(len(part), -1)).all(1) for part in parts]).all(0)
    if not bool(good.any()):
        raise _unusable(path, "no row has finite values only")
    return Gaussians(*(part[good] for part in parts))


def _rotation_matrices(quaternions: Float[Tensor, "gaussians 4"]) -> Float[Tensor, "gaussians 3 3"]:
    w, x, y, z = quaternions.unbind(1)
    rows = [
        torch.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], 1),
        torch.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], 1),
        torch.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], 1),
    ]
    return torch.stack(rows, 1)


def _unusable(path: Path, why: str) -> InputError:
    return InputError(
        ErrorCode.MEDIA_INVALID,
        f"Gaussian scene {path.name}: {why}",
        "give a binary little-endian PLY with the fields of 3D Gaussian Splatting",
    )
