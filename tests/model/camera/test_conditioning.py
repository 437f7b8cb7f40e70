"""What the backbone is told of a camera path."""

import numpy as np
import pytest
import torch

from model.camera.actions import action_to_camera
from model.camera.conditioning import prepare_camera
from model.camera.ray_frame import ray_frames
from model.camera.raymap import packed_raw_frames

LENS = np.tile([200.0, 200.0, 160.0, 96.0], (17, 1))


def test_shapes_sampling_and_scale() -> None:
    path = action_to_camera("w-16")
    camera = prepare_camera(path, LENS, (192, 320), (6, 10))
    assert camera.camera_conditions.shape == (1, 3, 20)
    assert camera.packed_raymap.shape == (1, 48, 3, 6, 10)
    poses = camera.camera_conditions[0, :, :16].view(3, 4, 4)
    assert torch.allclose(poses[:, 2, 3], torch.tensor(path[[0, 8, 16], 2, 3]).float())
    assert torch.allclose(camera.camera_conditions[0, 1, 16:], torch.tensor([6.25, 6.25, 5.0, 3.0]))


def test_a_common_motion_of_the_world_changes_nothing() -> None:
    path = action_to_camera("wd-16")
    world = np.array([[0.0, -1, 0, 3], [1, 0, 0, -2], [0, 0, 1, 7], [0, 0, 0, 1]])
    here, there = (prepare_camera(poses, LENS, (192, 320), (6, 10)) for poses in (path, world @ path))
    assert torch.allclose(here.camera_conditions, there.camera_conditions, atol=1e-6)
    assert torch.allclose(here.packed_raymap, there.packed_raymap, atol=1e-6)


def test_first_latent_frame_packs_raw_frames_zero_to_seven() -> None:
    groups = packed_raw_frames(17, 3)
    assert groups[0] == list(range(8))
    assert groups[1] == list(range(1, 9))
    assert groups[2] == list(range(9, 17))


def test_ray_frames_are_rigid_and_inverse() -> None:
    camera = prepare_camera(action_to_camera("wdi-16"), LENS, (192, 320), (6, 10))
    rays = ray_frames(camera.camera_conditions, 6, 10)
    identity = torch.eye(4).expand(1, 3, 60, 4, 4)
    torch.testing.assert_close(rays.ray_from_world @ rays.world_from_ray, identity, rtol=0, atol=1e-5)


def test_a_ray_that_is_not_a_number_becomes_the_identity() -> None:
    conditions = torch.zeros(1, 1, 20)
    rays = ray_frames(conditions, 1, 2)
    assert torch.equal(rays.ray_from_world, torch.eye(4).expand(1, 1, 2, 4, 4))


def test_rows_must_agree() -> None:
    with pytest.raises(ValueError, match="must be"):
        prepare_camera(np.tile(np.eye(4), (9, 1, 1)), LENS, (192, 320), (6, 10))
