"""Gated delta rule of the camera branch: numerator only, one state (Eq. 6)."""

from kernels.camera_gdn.api import (
    CameraGDNCarry,
    CameraGDNInputs,
    CameraGDNRaw,
    CameraGDNSummary,
    camera_gdn,
    camera_gdn_raw,
    camera_gdn_summary,
)

__all__ = [
    "CameraGDNCarry",
    "CameraGDNInputs",
    "CameraGDNRaw",
    "CameraGDNSummary",
    "camera_gdn",
    "camera_gdn_raw",
    "camera_gdn_summary",
]
