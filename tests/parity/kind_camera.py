"""Kinds ``ucpe``, ``plucker_pack`` and ``action_to_c2w``."""

import torch
from einops import rearrange
from results import Outcome
from torch import Tensor
from vector_files import VectorFile

from kernels.backend import Backend
from kernels.key_prep import prepare_features
from kernels.ray_rope import transform_rays
from model.camera.actions import ActionSettings, action_to_camera, key_map
from model.camera.conditioning import prepare_camera
from model.camera.ray_frame import ray_frames
from model.config import Numerics
from model.layers.rope import RotaryTable, camera_part
from model.mixers.camera_branch import CameraFeatures, enter_world, key_inflation

UCPE_INPUTS = frozenset({"camera_conditions", "feat", "prep_q_raw", "prep_k_raw", "prep_v_raw", "rope_re", "rope_im"})


def run_ucpe(file: VectorFile, numerics: Numerics, backend: Backend) -> Outcome:
    config, inputs = file.config, file.inputs
    frames, height, width, head_dim = config["T"], config["H"], config["W"], config["D"]
    rays = ray_frames(inputs["camera_conditions"], height, width)
    shape = (frames, height * width, head_dim // 2)
    table = RotaryTable(inputs["rope_re"].reshape(shape), inputs["rope_im"].reshape(shape))
    camera = camera_part(table, head_dim)
    features = rearrange(inputs["feat"], "b h (t s) d -> b h t s d", t=frames)
    matrices = {"feat_q": rays.ray_from_world.mT, "feat_kv": rays.world_from_ray, "feat_o": rays.ray_from_world}
    tensors = {
        "raymats": rays.ray_from_world.unflatten(2, (height, width)),
        "P_inv": rays.world_from_ray.flatten(1, 2),
        "rope_cam_re": camera.cosine.flatten(0, 1)[None, None],
        "rope_cam_im": camera.sine.flatten(0, 1)[None, None],
    }
    for name, matrix in matrices.items():
        sine = -camera.sine if name == "feat_o" else camera.sine
        moved = transform_rays(features, matrix, camera.cosine, sine, backend)
        tensors[name] = moved.flatten(2, 3)
    tensors |= _preparation(file, rays, camera, backend)
    why = {"absmap": "not read by the network; its up vectors are float32 differences made of rounding"}
    return Outcome(tensors, UCPE_INPUTS, not_run=why)


def _preparation(file: VectorFile, rays, camera: RotaryTable, backend: Backend) -> dict[str, Tensor]:
    config, inputs = file.config, file.inputs
    wide = {part: rearrange(inputs[f"prep_{part}_raw"], "b (t s) h d -> b t s (h d)", t=config["T"]) for part in "qkv"}
    ones = torch.ones(wide["q"].shape[-1])
    heads, eps = config["heads"], config.get("norm_eps", 1e-5)
    local = CameraFeatures(
        prepare_features(wide["q"], inputs.get("prep_q_norm_weight", ones), heads, eps, backend=backend),
        prepare_features(wide["k"], inputs.get("prep_k_norm_weight", ones), heads, eps, config["k_scale"], backend),
        rearrange(wide["v"], "b t s (h d) -> b h t s d", h=heads),
    )
    world = enter_world(local, rays, camera, clips_rms=False)
    columns = "b h t s d -> b h d (t s)"
    return {
        "prep_q": rearrange(world.query, columns),
        "prep_k": rearrange(world.key, columns),
        "prep_v": rearrange(world.value, columns),
        "prep_inflation_sq": key_inflation(local.key, world.key).flatten(2),
    }


def run_plucker_pack(file: VectorFile, numerics: Numerics, backend: Backend) -> Outcome:
    config, inputs = file.config, file.inputs
    camera = prepare_camera(
        inputs["c2w"].numpy(), inputs["intrinsics_px"].numpy(), tuple(config["target"]), tuple(config["latent_hw"])
    )
    tensors = {"raymap": camera.camera_conditions[0], "chunk_plucker": camera.packed_raymap[0]}
    return Outcome(tensors, frozenset({"c2w", "intrinsics_px"}))


def run_actions(file: VectorFile, numerics: Numerics, backend: Backend) -> Outcome:
    tensors = {}
    for name, case in file.meta["cases"].items():
        settings = {**file.config, **case}
        motion = ActionSettings(
            translation_speed=settings["translation_speed"],
            rotation_speed_degrees=settings["rotation_speed_deg"],
            pitch_limit_degrees=settings["pitch_limit_deg"],
            fps=settings["fps"],
            smooth=settings["smooth"],
        )
        keys = key_map(settings.get("key_map_version", 2))
        tensors[name] = torch.from_numpy(action_to_camera(settings["action"], motion, keys)).float()
    return Outcome(tensors)
