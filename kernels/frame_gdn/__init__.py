"""Frame-wise gated delta rule of the main branch: numerator and denominator (Eq. 3 and its second state)."""

from kernels.frame_gdn.api import (
    FrameGDNCarry,
    FrameGDNInputs,
    FrameGDNRaw,
    FrameGDNState,
    FrameGDNSummary,
    frame_gdn,
    frame_gdn_raw,
    frame_gdn_summary,
    prepare_frame_gdn,
)

__all__ = [
    "FrameGDNCarry",
    "FrameGDNInputs",
    "FrameGDNRaw",
    "FrameGDNState",
    "FrameGDNSummary",
    "frame_gdn",
    "frame_gdn_raw",
    "frame_gdn_summary",
    "prepare_frame_gdn",
]
