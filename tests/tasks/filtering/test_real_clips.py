"""Scorers on real clips: PySceneDetect's golden cuts, ffmpeg's own log of VMAF motion, cameras ranked by speed."""

import json
import re
import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe

from data_contracts.contract_loader import load_contracts
from tasks.filtering.scorers.embedded import embedded_scorers
from tasks.filtering.scorers.protocol import StoredClip
from tasks.filtering.scorers.scene_detect import SceneDetectScorer
from tasks.filtering.scorers.vmaf_motion import VmafMotionScorer
from tasks.ingest.sampling import ClipRate, nearest_in_time
from tasks.vision.cuts import find_cuts
from tasks.vision.flow import gray_frames
from tasks.vision.images import CoverCrop
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


@pytest.fixture(scope="module")
def camera_speed():
    """Speed of a named clip as ``ingest`` would store it, from a start in seconds on."""
    scorer = next(scorer for scorer in embedded_scorers() if scorer.name == "ego_motion")

    def measured(name, start=0.0, size=(192, 320)):
        video = read_video(SHARED / "videos" / f"{name}.mp4")
        native = video.frames[round(start * video.fps) :]
        times = ((index / video.fps, index) for index in range(len(native)))
        picked = [sample.frame for sample in nearest_in_time(times, ClipRate(16.0, 9, 81), 0.0)]
        fit = CoverCrop(native.shape[1:3], size)
        frames = np.stack([fit.picture(native[index]) for index in picked])
        return scorer.measure(StoredClip(SHARED, frames, gray_frames(frames), 16.0))[0].value

    return measured


RANKED = ("sam2_dog_static", "sam2_bedroom", "vipe_dog", "udacity_highway")  # static, near-static, handheld, driving


@pytest.mark.parametrize("size", [(192, 320), (128, 224)], ids=["stored", "smaller"])
def test_the_camera_is_the_faster_the_more_it_goes(camera_speed, size):
    speeds = [camera_speed(name, size=size) for name in RANKED]
    assert all(1.5 * slower < faster for slower, faster in pairwise(speeds)), speeds


def test_later_parts_rank_the_same(camera_speed):
    speeds = [camera_speed(name, start) for name, start in zip(RANKED, (4.0, 2.5, 2.0, 4.4), strict=True)]
    assert all(1.5 * slower < faster for slower, faster in pairwise(speeds)), speeds


def test_a_tripod_is_told_from_every_moving_camera(camera_speed):
    limit = next(rule.minimum for rule in load_contracts().common.quality if rule.id == "camera_static")
    moved = {path.stem: camera_speed(path.stem) for path in sorted((SHARED / "videos").glob("*.mp4"))}
    assert moved.pop("sam2_dog_static") < limit / 2
    assert min(moved.values()) > 2 * limit
