"""Annotations keep what is there, NaN rows included, and nothing else."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from data_contracts.annotations import SourceAnnotations, read_annotations, write_annotations


def test_fields_come_back(tmp_path):
    poses = np.tile(np.eye(4), (17, 1, 1))
    poses[3] = np.nan
    stored = SourceAnnotations(camera_to_world=poses, pose_rows=17, native_frames=32, nonfinite_pose_rows=1)
    for name in ("a", "b"):
        write_annotations(tmp_path / name, stored)
    back = read_annotations(tmp_path / "a")
    assert np.array_equal(back.camera_to_world, poses, equal_nan=True)
    assert back.depth is None
    assert (back.pose_rows, back.native_frames, back.nonfinite_pose_rows) == (17, 32, 1)
    assert not back.is_empty
    assert SourceAnnotations(native_frames=9).is_empty
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_an_unknown_field_is_refused(tmp_path):
    save_file({"mood": np.zeros(1)}, tmp_path / "x")
    with pytest.raises(TypeError, match="mood"):
        read_annotations(tmp_path / "x")
