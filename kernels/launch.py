"""What every launch needs to know of a call: sizes, precision, plans; and tensors in the form kernels read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from kernels.backend import interpreting
from kernels.plans import Plan, PlanKey, plan_for
from kernels.precision import Precision

LONG_CALL = 264  # frames x heads x batch from which a device of 132 processors is filled twice without splitting

COMPILE_TARGET = 90
INTERPRETER = 0  # the capability under which the table holds the interpreter's plans


@dataclass(frozen=True)
class CallShape:
    """Sizes of one call and how it is computed."""

    batch: int
    heads: int
    frames: int
    space: int
    dim: int
    precision: Precision
    capability: int
    overrides: Mapping[str, Plan] = field(default_factory=dict)

    @property
    def half(self) -> int:
        """Columns of one of the two tiles a head's channels are held in; at least what a product needs."""
        return max(16, 1 << (self.dim // 2 - 1).bit_length())

    @property
    def pairs(self) -> int:
        """Independent recurrences."""
        return self.batch * self.heads

    @property
    def long(self) -> bool:
        """Whether the call fills a device by its frames and heads alone."""
        return self.pairs * self.frames >= LONG_CALL

    def plan(self, kernel: str) -> Plan:
        """The launch plan of one kernel: an override (when tuning), else the table's."""
        if kernel in self.overrides:
            return self.overrides[kernel]
        exact = self.precision.operand == torch.float32
        plan = plan_for(PlanKey(kernel, exact, self.long, self.half, self.capability))
        blocks = -(-self.space // plan.block)
        return plan if plan.splits <= blocks else Plan(plan.block, plan.warps, plan.stages, 1)

    def steps_grid(self, splits: int) -> tuple[int, int, int]:
        """Heads fastest, so that the heads of a frame share its tables in the cache."""
        return self.heads, self.frames, self.batch * splits


def capability_of(device: torch.device) -> int:
    """90 for Hopper. On a CPU: 0 under the interpreter, which wants few large tiles; else what is compiled for, 90."""
    if device.type != "cuda":
        return INTERPRETER if interpreting() else COMPILE_TARGET
    major, minor = torch.cuda.get_device_capability(device)
    return 10 * major + minor


def with_unit_channels(features: Tensor) -> Tensor:
    """The tensor itself if its channels are contiguous, as kernels assume; else a copy."""
    return features if features.stride(-1) == 1 else features.contiguous()


def as_rows(raw: Float[Tensor, "batch frames space width"]) -> Float[Tensor, "batch frames space width"]:
    """The tensor itself if its tokens lie at one constant distance, as a slice of a projection's output does."""
    batch, frames, space, _ = raw.shape
    row = raw.stride(2)
    regular = raw.stride(-1) == 1
    regular &= frames == 1 or raw.stride(1) == space * row
    regular &= batch == 1 or raw.stride(0) == frames * space * row
    return raw if regular else raw.contiguous()


def split_heads(
    raw: Float[Tensor, "batch frames space width"], heads: int
) -> Float[Tensor, "batch heads frames space head_dim"]:
    """A view: channels to heads."""
    return raw.unflatten(-1, (heads, -1)).permute(0, 3, 1, 2, 4)


def token_strides(features: Float[Tensor, "batch heads frames space head_dim"]) -> tuple[int, int, int, int]:
    """Distances of batch, head, frame and token."""
    return features.stride()[:4]


@lru_cache(maxsize=256)
def reset_flags(resets: tuple[bool, ...], device: torch.device) -> Tensor:
    """Per frame 1 where the reversed scan stops; kept, so that a captured graph copies nothing from the host."""
    return torch.tensor(resets, dtype=torch.int32, device=device)


def has_resets(resets: Sequence[bool]) -> bool:
    """Whether any frame but the first resets: the first has no earlier frame to protect."""
    return any(resets)
