"""A request that cannot be generated is refused with the field and the value."""

from dataclasses import replace

import numpy as np
import pytest

from data_contracts.errors import InputError
from model.generation.request import GenerationRequest, check_request

SIZE = (192, 320)


@pytest.fixture
def request_():
    return GenerationRequest(
        image=np.zeros((96, 160, 3), np.uint8),
        prompt="a room",
        camera_to_world=np.tile(np.eye(4), (17, 1, 1)),
        intrinsics=np.tile([140.0, 140.0, 80.0, 48.0], (17, 1)),
    )


def test_a_good_request_passes(request_):
    check_request(request_, SIZE)


def bend(path):
    path[3, 0, 0] = 2


def lose(path):
    path[5, 1, 1] = np.nan


def project(path):
    path[4, 3, 0] = 0.5


def mirror(path):
    path[2, 0, 0] = -1


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (bend, r"frame 3 is not a rigid motion: max \|R R\^T - I\| is 3, must be below 0.001"),
        (lose, r"frame 5 is not finite: \[1,1\] is nan"),
        (mirror, "frame 2 is not a rigid motion: det R is -1"),
        (project, "frame 4 is not a rigid motion: its last row is off 0 0 0 1 by 0.5"),
    ],
)
def test_a_bad_pose_is_named(request_, damage, message):
    damage(request_.camera_to_world)
    with pytest.raises(InputError, match=message):
        check_request(request_, SIZE)


@pytest.mark.parametrize("frames", [1, 16, 969])
def test_a_frame_count_must_be_8k_plus_1(request_, frames):
    bad = replace(request_, camera_to_world=np.tile(np.eye(4), (frames, 1, 1)))
    with pytest.raises(InputError, match=f"has {frames} frames"):
        check_request(bad, SIZE)


def test_the_field_of_view_is_that_of_the_image(request_):
    with pytest.raises(
        InputError, match=r"frame 0 has a horizontal field of view of 151\.9 degrees at image size 160x96"
    ):
        check_request(replace(request_, intrinsics=np.tile([20.0, 20.0, 80.0, 48.0], (17, 1))), SIZE)
    narrow = request_.intrinsics.copy()
    narrow[7, 1] = 400
    with pytest.raises(InputError, match=r"frame 7 has a vertical field of view of 13\.7 .* allowed are 25 to 120"):
        check_request(replace(request_, intrinsics=narrow), SIZE)
    narrow[7, 1] = np.nan
    with pytest.raises(InputError, match=r"intrinsics: frame 7 is \(140, nan, 80, 48\)"):
        check_request(replace(request_, intrinsics=narrow), SIZE)
    with pytest.raises(InputError, match="must be RGB"):
        check_request(replace(request_, image=np.zeros((8, 8, 3), np.uint8)), SIZE)


def test_the_digest_follows_whatever_decides_the_video(request_):
    digests = {request_.digest()}
    digests.add(replace(request_, seed=1).digest())
    digests.add(replace(request_, prompt="b").digest())
    digests.add(replace(request_, steps=3).digest())
    digests.add(replace(request_, image=np.ones((96, 160, 3), np.uint8)).digest())
    digests.add(replace(request_, image=np.zeros((160, 96, 3), np.uint8)).digest())
    digests.add(replace(request_, intrinsics=request_.intrinsics + 1).digest())
    assert len(digests) == 7
    assert request_.digest() in digests
