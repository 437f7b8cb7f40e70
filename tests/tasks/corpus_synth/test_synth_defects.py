import re
import subprocess

import cv2
import imageio_ffmpeg
import numpy as np
import pytest

from tasks.corpus_synth import defects
from tasks.corpus_synth.kinds import GOOD, Source
from tasks.vision.video import MediaError, MediaProblem, read_video, write_video


@pytest.fixture(scope="module")
def frames(short_clip):
    return short_clip(GOOD[Source.PLAIN]).frames


def saturation(frames):
    return np.mean([cv2.cvtColor(frame, cv2.COLOR_RGB2HSV)[..., 1].mean() for frame in frames])


@pytest.mark.parametrize(("target", "low", "high"), [(defects.SATURATED, 185, 230), (defects.SATURATED_TWIN, 135, 179)])
def test_saturation_survives_the_codec_on_its_side_of_the_limit(frames, tmp_path, target, low, high):
    write_video(tmp_path / "clip.mp4", defects.saturated(frames, target), 16, quality=14)
    assert low < saturation(read_video(tmp_path / "clip.mp4").frames) < high


def test_motion_equals_ffmpegs(frames, tmp_path):
    path = tmp_path / "clip.mp4"
    write_video(path, frames, 16, quality=10)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", str(path), "-vf", "vmafmotion", "-f", "null", "-"]
    log = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    average = float(re.search(r"VMAF Motion avg: ([\d.]+)", log).group(1))
    # ffmpeg counts the first frame with 0.
    assert defects.vmaf_motion(frames) * (len(frames) - 1) / len(frames) == pytest.approx(average, rel=0.04)


def test_frozen_and_black(frames):
    assert defects.vmaf_motion(defects.frozen(frames)) == 0
    assert defects.black(frames).max() <= 3


@pytest.mark.parametrize(
    ("damage", "problem"), [("truncate", MediaProblem.TRUNCATED), ("corrupt", MediaProblem.CORRUPT)]
)
def test_damage_is_what_it_says(frames, tmp_path, damage, problem):
    path = tmp_path / "clip.mp4"
    write_video(path, frames, 16, quality=14)
    if damage == "truncate":
        defects.truncate(path)
    else:
        defects.corrupt(path, np.random.default_rng(0))
    with pytest.raises(MediaError) as caught:
        read_video(path)
    assert caught.value.problem is problem
