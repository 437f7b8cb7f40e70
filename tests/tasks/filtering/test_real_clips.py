"""Scorers on real clips: PySceneDetect's golden cuts, ffmpeg's own log of VMAF motion, a tripod told from a camera."""

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe

from tasks.filtering.scorers.embedded import embedded_scorers
from tasks.filtering.scorers.protocol import StoredClip
from tasks.filtering.scorers.scene_detect import SceneDetectScorer
from tasks.filtering.scorers.vmaf_motion import VmafMotionScorer
from tasks.vision.cuts import find_cuts
from tasks.vision.flow import gray_frames
from tasks.vision.video import read_video

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared real clips are not here")


def unread(path):
    """A clip for scorers that open the file themselves."""
    nothing = np.zeros((1, 1, 1), np.uint8)
    return StoredClip(path, nothing[..., None], nothing, 1.0)


@pytest.mark.parametrize("name", ["testvideo.mp4", "counter.mp4"])
def test_cuts_are_the_golden_ones(name):
    golden = json.loads((SHARED / "scenecut" / "expected.json").read_text())["goldens"]
    cuts = golden[f"{name}.AdaptiveDetector.default"]["cuts"]
    found = SceneDetectScorer().measure(unread(SHARED / "scenecut" / name))[0]
    assert (found.value, found.worst_frame) == (len(cuts), cuts[0])


def test_tracked_cuts_are_the_hard_ones():
    """The golden list of the hash detector has the two hard cuts alone; the other detectors add fades from black."""
    golden = json.loads((SHARED / "scenecut" / "expected.json").read_text())["goldens"]
    video = read_video(SHARED / "scenecut" / "testvideo.mp4")
    small = np.ascontiguousarray(video.frames[:240, ::4, ::4])
    assert find_cuts(small, video.fps) == golden["testvideo.mp4.HashDetector.default"]["cuts"]


@pytest.mark.parametrize("name", ["sam2_dog_static.mp4", "udacity_highway.mp4"])
def test_vmaf_motion_is_that_of_ffmpegs_log(name, tmp_path):
    media, log = SHARED / "videos" / name, tmp_path / "motion.log"
    command = [get_ffmpeg_exe(), "-nostdin", "-threads", "1", "-i", str(media)]
    command += ["-vf", f"vmafmotion=stats_file={log}", "-f", "null", "-"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    logged = [float(value) for value in re.findall(r"motion:([0-9.]+)", log.read_text())]
    assert len(logged) > 100
    found = VmafMotionScorer().measure(unread(media))[0].value
    assert found == pytest.approx(float(re.search(r"VMAF Motion avg: ([0-9.]+)", told).group(1)), abs=1e-4)
    assert found == pytest.approx(np.mean(logged), abs=0.005)  # the frames' own lines have two decimals


def test_a_tripod_is_told_from_every_moving_camera():
    motion = next(scorer for scorer in embedded_scorers() if scorer.name == "dis_medium")
    moved = {}
    for path in sorted((SHARED / "videos").glob("*.mp4")):
        video = read_video(path)
        step = max(1, round(video.fps / 16))
        frames = np.ascontiguousarray(video.frames[: 81 * step : step, ::4, ::4])
        clip = StoredClip(path, frames, gray_frames(frames), video.fps / step)
        moved[path.stem] = next(one.value for one in motion.measure(clip) if one.metric == "background_motion")
    still = moved.pop("sam2_dog_static")
    assert still < 0.4 < min(moved.values())
