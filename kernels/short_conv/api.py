"""Public entry of the short convolution: chooses the backend and nothing else."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from kernels.backend import Backend, choose
from kernels.short_conv import reference


def short_conv(
    extended: Float[Tensor, "batch extended_frames space channels"],
    weight: Float[Tensor, "channels taps"],
    chunk_ids: Sequence[int],
    backend: Backend = Backend.AUTO,
) -> Float[Tensor, "batch frames space channels"]:
    """Causal convolution plus the same kernel on reversed time, the tap at the frame itself counted once.

    The three forms are chunk ids: one id for all frames is bidirectional, an id a frame is causal, anything between is
    chunk-causal. A rollout's carried tail is the left context of ``extended``.

    Args:
        extended: the frames with ``taps - 1`` context frames on each side (zeros where there are none).
        weight: one kernel per channel; the last tap belongs to the frame itself.
        chunk_ids: chunk of each frame and of the right context; the reversed pass stays inside a chunk. An id that
            occurs nowhere else (such as -1 for frames that do not exist) is never seen.
        backend: implementation.
    """
    if choose(backend, "short_conv", (extended, weight)) is Backend.REFERENCE:
        return reference.short_conv(extended, weight, chunk_ids)
    from kernels.short_conv import ops

    return ops.short_conv(extended, weight, chunk_ids, gated=backend is Backend.AUTO)


def short_conv_alone(
    frames: Float[Tensor, "batch frames space channels"],
    weight: Float[Tensor, "channels taps"],
    chunk_ids: Sequence[int],
    backend: Backend = Backend.AUTO,
) -> Float[Tensor, "batch frames space channels"]:
    """``short_conv`` of a whole sequence, with zeros around it that are never written down.

    Args:
        frames: all there are; a slice of a projection's output is read where it lies.
        weight: as above.
        chunk_ids: chunk of each frame.
        backend: implementation.
    """
    if choose(backend, "short_conv", (frames, weight)) is Backend.REFERENCE:
        return reference.short_conv(*reference.with_zeros(frames, weight, chunk_ids))
    from kernels.short_conv import ops

    return ops.short_conv_alone(frames, weight, chunk_ids, gated=backend is Backend.AUTO)
