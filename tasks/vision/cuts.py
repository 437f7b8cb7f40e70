"""Hard cuts: PySceneDetect's adaptive detector proposes, feature tracks confirm.

Content changes as much in a fast turn of the camera as in a cut between similar rooms, so that no threshold on it can
tell the two apart; but through a turn most corners can be followed, and across a cut none.
"""

import cv2
import numpy as np
from jaxtyping import UInt8

NAME = "tracked_cuts"
VERSION = "1"
PROPOSED_RATIO = 1.3  # content change over that of the neighbours; PySceneDetect's own default is 3
LEAST_CONTENT = 10.0  # content change below which nothing is proposed; PySceneDetect's default is 15
SHORTEST_SCENE = 1  # frames; the tracks decide, so that no proposal may hide the next
FOLLOWED = 0.08  # share of corners followed across a frame pair below which a proposal is a cut
CORNERS = 150
FEWEST_CORNERS = 20  # with fewer there is nothing to follow, and the proposal stands
MARGIN = 2  # frames the detector wants to see on both sides


def find_cuts(frames: UInt8[np.ndarray, "frames height width 3"], fps: float) -> list[int]:
    """The first frame after each hard cut.

    Args:
        frames: RGB.
        fps: frame rate.
    """
    gray = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    proposed = [index for index in _proposals(frames, fps) if 0 < index < len(frames)]
    return [index for index in proposed if followed_share(gray[index - 1], gray[index]) < FOLLOWED]


def followed_share(before: UInt8[np.ndarray, "height width"], after: UInt8[np.ndarray, "height width"]) -> float:
    """Share of corners that optical flow follows forth and back to where they began; 0 without enough corners."""
    corners = cv2.goodFeaturesToTrack(before, CORNERS, 0.01, 6)
    if corners is None or len(corners) < FEWEST_CORNERS:
        return 0.0
    forth, seen = _follow(before, after, corners)
    back, seen_again = _follow(after, before, forth)
    closed = np.linalg.norm(back - corners, axis=2).ravel() < 1.0
    return float((closed & (seen.ravel() > 0) & (seen_again.ravel() > 0)).mean())


def _follow(before: np.ndarray, after: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where points of ``before`` are in ``after``, and whether they were found."""
    moved, found, _ = cv2.calcOpticalFlowPyrLK(before, after, points, points.copy(), winSize=(21, 21), maxLevel=4)
    return moved, found


def _proposals(frames: UInt8[np.ndarray, "frames height width 3"], fps: float) -> list[int]:
    from scenedetect.common import FrameTimecode
    from scenedetect.detectors import AdaptiveDetector

    detector = AdaptiveDetector(
        PROPOSED_RATIO, min_scene_len=SHORTEST_SCENE, window_width=MARGIN, min_content_val=LEAST_CONTENT
    )
    rate = float(fps)
    found: list[int] = []
    for index in range(-MARGIN, len(frames) + MARGIN):  # the ends are held, so that cuts near them are seen
        frame = cv2.cvtColor(frames[min(max(index, 0), len(frames) - 1)], cv2.COLOR_RGB2BGR)
        found += [cut.frame_num - MARGIN for cut in detector.process_frame(FrameTimecode(index + MARGIN, rate), frame)]
    return found
