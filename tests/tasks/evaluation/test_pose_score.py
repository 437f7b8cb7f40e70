"""Pose scores: what counts as a failure, and that failing never helps."""

import numpy as np
from scipy.spatial.transform import Rotation

from model.generation.action_path import action_camera_path
from tasks.evaluation.poses import pose_score, video_errors

PATH = action_camera_path("w-20,wd-20,d-20,wa-20")


def test_a_path_equal_up_to_a_similarity_scores_zero():
    similar = np.eye(4)
    similar[:3, :3] = Rotation.from_rotvec([0.1, 0.7, -0.2]).as_matrix()
    moved = PATH.copy()
    moved[:, :3, 3] *= 3.0
    score = pose_score([video_errors(similar @ moved, PATH, 4)])
    assert score.failed == 0
    assert score.rotation_deg < 1e-4
    assert score.translation_m < 1e-6
    assert score.rotation_deg_umeyama < 1e-4


def test_a_path_that_goes_backwards_is_a_failure():
    backwards = PATH.copy()
    backwards[:, :3, 3] *= -1
    score = pose_score([video_errors(backwards, PATH, 4)])
    assert (score.n, score.failed) == (1, 1)
    assert score.rotation_deg is None
    assert score.rotation_deg_all == 180


def test_failing_never_helps():
    good = video_errors(PATH, PATH, 4)
    lost = video_errors(None, PATH, 4)
    assert pose_score([good, lost]).rotation_deg_all >= pose_score([good, good]).rotation_deg_all + 80
    assert pose_score([good, lost]).n == 2
    assert pose_score([good]).unit == "deg"
