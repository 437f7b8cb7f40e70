"""Hard cuts, as PySceneDetect's content detector finds them, on frames already in memory."""

import cv2
import numpy as np
from jaxtyping import UInt8

NAME = "pyscenedetect_content"
VERSION = "0.7"


def find_cuts(
    frames: UInt8[np.ndarray, "frames height width 3"], fps: float, threshold: float, shortest_scene: int
) -> list[int]:
    """The first frame after each cut.

    Args:
        frames: RGB.
        fps: frame rate.
        threshold: change of hue, saturation and luma that counts as a cut (PySceneDetect's default is 27).
        shortest_scene: frames a scene lasts at least; cuts nearer to the one before are ignored.
    """
    from scenedetect.common import FrameTimecode
    from scenedetect.detectors import ContentDetector

    detector = ContentDetector(threshold=threshold, min_scene_len=shortest_scene)
    cuts: list[int] = []
    for index, frame in enumerate(frames):
        found = detector.process_frame(FrameTimecode(index, float(fps)), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        cuts.extend(timecode.frame_num for timecode in found)
    return cuts
