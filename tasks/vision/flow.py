"""Dense optical flow of small pictures by DIS (Kroeger et al. 2016, as OpenCV has it): deterministic, no weights."""

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

NAME = "dis_medium"
VERSION = "1"


def gray_frames(frames: UInt8[np.ndarray, "frames height width 3"]) -> UInt8[np.ndarray, "frames height width"]:
    """Luma of RGB frames."""
    return np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames])


def dense_flow(
    before: UInt8[np.ndarray, "height width"], after: UInt8[np.ndarray, "height width"]
) -> Float32[np.ndarray, "height width 2"]:
    """Displacement (x, y) in pixels of every pixel of ``before`` towards ``after``."""
    return cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(before, after, np.empty(0, np.float32))


def flow_magnitude(
    before: UInt8[np.ndarray, "height width"], after: UInt8[np.ndarray, "height width"]
) -> Float32[np.ndarray, "height width"]:
    """Length of the displacement of every pixel, pixels."""
    return np.linalg.norm(dense_flow(before, after), axis=2)
