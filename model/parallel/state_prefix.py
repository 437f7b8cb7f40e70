"""The exact scan state that enters each shard, from compact summaries (Eq. 12-13).

Legend: C, H a rank's summary, S-bar the exclusive prefix::

    S-bar_0 = 0,    S-bar_{p+1} = S-bar_p C_p + H_p

The reversed scan uses the same composition from the last rank to the first.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from kernels.affine import AffineSummary
from kernels.camera_gdn import CameraGDNCarry, CameraGDNSummary
from kernels.frame_gdn import FrameGDNCarry, FrameGDNState, FrameGDNSummary
from model.parallel.frame_shard import FrameShard
from model.parallel.gather import gather


def frame_gdn_carry(summary: FrameGDNSummary, shard: FrameShard) -> FrameGDNCarry:
    """States entering this rank's main scans from both sides."""
    return FrameGDNCarry(
        before=FrameGDNState(
            exclusive_prefix(summary.matrix_forward, shard, reverse=False),
            exclusive_prefix(summary.normalizer_forward, shard, reverse=False),
        ),
        after=FrameGDNState(
            exclusive_prefix(summary.matrix_backward, shard, reverse=True),
            exclusive_prefix(summary.normalizer_backward, shard, reverse=True),
        ),
    )


def camera_gdn_carry(summary: CameraGDNSummary, shard: FrameShard) -> CameraGDNCarry:
    """States entering this rank's camera scans from both sides."""
    return CameraGDNCarry(
        before=exclusive_prefix(summary.forward, shard, reverse=False),
        after=exclusive_prefix(summary.backward, shard, reverse=True),
    )


def exclusive_prefix(
    summary: AffineSummary, shard: FrameShard, *, reverse: bool
) -> Float[Tensor, "batch heads value key"]:
    """All-gather the summaries and compose those of the ranks before this one (after it, if ``reverse``)."""
    stacked = torch.cat((summary.transition, summary.update), dim=-2)[None]
    everyone = gather(stacked, 0, (1,) * shard.world_size, shard)
    keys = summary.transition.shape[-1]
    ranks = range(shard.world_size - 1, shard.rank, -1) if reverse else range(shard.rank)
    state = torch.zeros_like(summary.update)
    for rank in ranks:
        transition, update = everyone[rank].split((keys, everyone.shape[-2] - keys), dim=-2)
        state = state @ transition + update
    # Ranks that use nobody's summary still take part in the gather's backward, or the others would wait forever.
    return state + everyone[:0].sum()
