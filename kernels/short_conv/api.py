"""Public entry of the short convolution: chooses the backend and nothing else."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from kernels.backend import Backend, require_reference
from kernels.short_conv import reference


def short_conv(
    extended: Float[Tensor, "batch extended_frames space channels"],
    weight: Float[Tensor, "channels taps"],
    chunk_ids: Sequence[int],
    backend: Backend = Backend.REFERENCE,
) -> Float[Tensor, "batch frames space channels"]:
    """Causal convolution plus the same kernel on reversed time, the tap at the frame itself counted once.

    Args:
        extended: the frames with ``taps - 1`` context frames on each side (zeros where there are none).
        weight: one kernel per channel; the last tap belongs to the frame itself.
        chunk_ids: chunk of each frame and of the right context; the reversed pass stays inside a chunk. An id that
            occurs nowhere else (such as -1 for frames that do not exist) is never seen.
        backend: implementation.
    """
    require_reference(backend, "short_conv")
    return reference.short_conv(extended, weight, chunk_ids)
