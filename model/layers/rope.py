"""Three-axis rotary tables: pairs of consecutive channels, split over time, height and width."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class RotaryTable:
    """Cosine and sine of each pair's angle, per frame and cell."""

    cosine: Float[Tensor, "frames space pairs"]
    sine: Float[Tensor, "frames space pairs"]

    def to(self, device: torch.device) -> "RotaryTable":
        """The table on a device."""
        return RotaryTable(self.cosine.to(device), self.sine.to(device))


def axis_pairs(head_dim: int) -> tuple[int, int, int]:
    """Channel pairs of a head given to time, height and width: a sixth of the channels to each of the last two."""
    side = head_dim // 6
    return head_dim // 2 - 2 * side, side, side


def rotary_table(head_dim: int, positions: tuple[int, int], height: int, width: int, theta: float = 1e4) -> RotaryTable:
    """The table of a whole head, in float64 until the last step.

    Args:
        head_dim: channels of a head.
        positions: absolute first frame, and one after the last.
        height: of the latent grid.
        width: of the latent grid.
        theta: base of the frequencies.
    """
    axes = (torch.arange(*positions), torch.arange(height), torch.arange(width))
    shape = tuple(len(places) for places in axes)
    angles = []
    for axis, (places, pairs) in enumerate(zip(axes, axis_pairs(head_dim), strict=True)):
        frequencies = theta ** (-torch.arange(pairs, dtype=torch.float64) / pairs)
        view = [1, 1, 1, pairs]
        view[axis] = len(places)
        angles.append(torch.outer(places.double(), frequencies).view(view).expand(*shape, pairs))
    angle = torch.cat(angles, dim=-1).flatten(1, 2)
    return RotaryTable(angle.cos().float(), angle.sin().float())


def camera_part(table: RotaryTable, head_dim: int) -> RotaryTable:
    """The table of the rotary half of a camera head: the leading pairs of each axis of the whole head's table."""
    starts = (0, axis_pairs(head_dim)[0], sum(axis_pairs(head_dim)[:2]))
    kept = [slice(start, start + pairs) for start, pairs in zip(starts, axis_pairs(head_dim // 2), strict=True)]
    cosine, sine = (torch.cat([values[..., part] for part in kept], -1) for values in (table.cosine, table.sine))
    return RotaryTable(cosine, sine)
