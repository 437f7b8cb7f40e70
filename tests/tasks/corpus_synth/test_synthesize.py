from pathlib import Path

import numpy as np
import pytest

from data_contracts.errors import InputError
from tasks.corpus_synth.defects import vmaf_motion
from tasks.corpus_synth.kinds import Kind
from tasks.corpus_synth.plan import plan_corpus
from tasks.corpus_synth.render import build_scene, render_clip
from tasks.corpus_synth.synthesize import Batch, synthesize, work_batch
from tasks.vision.video import read_video


def spec_of(kind):
    return next(spec for spec in plan_corpus(24, 3) if spec.planting.kind is kind)


def test_a_clip_has_the_same_bytes_twice(tmp_path):
    spec = spec_of(Kind.FROZEN)
    contents = []
    for name in ("first", "second"):
        root = tmp_path / name
        (root / "ground_truth").mkdir(parents=True)
        (root / "plain").mkdir()
        work_batch(Batch(root, 3, clips=(spec,)))
        contents.append({path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()})
    assert len(contents[0]) == 4
    assert contents[0] == contents[1]
    frames = read_video(next((tmp_path / "first/plain").glob("*.mp4"))).frames
    assert vmaf_motion(frames) < 0.2


def test_slow_motion_is_just_above_the_limit():
    spec = spec_of(Kind.SLOW_MOTION)
    clip = render_clip(spec, build_scene(spec, 3), 3)
    assert 0.51 < vmaf_motion(clip.frames) * 80 / 81 < 0.625
    moved = np.linalg.norm(clip.track.camera_to_world[-1, :3, 3] - clip.track.camera_to_world[0, :3, 3])
    assert moved > 0.25


def test_what_is_there_is_not_overwritten(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not an empty directory"):
        synthesize(tmp_path, 24, 0)
    assert [path.name for path in Path(tmp_path).iterdir()] == ["notes.txt"]


def test_too_few_clips_leave_nothing_behind(tmp_path):
    with pytest.raises(InputError, match="at least 24"):
        synthesize(tmp_path / "corpus", 23, 0)
    assert not list(tmp_path.iterdir())
