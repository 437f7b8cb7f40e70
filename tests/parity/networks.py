"""Networks and contexts built from what a JSON says, weights loaded strictly."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from vector_files import VectorFile

from model.backbone import SanaWM
from model.camera.ray_frame import ray_frames
from model.causal import ChunkLayout
from model.causal.view import FrameView
from model.checkpoints.layout import is_dead
from model.checkpoints.store import load_weights
from model.config import BackboneConfig, Numerics
from model.layers.rope import RotaryTable, camera_part
from model.mixers.context import MixerContext
from model.types import CameraConditioning, TextConditioning

TEMPORAL_KERNEL = 3


def backbone_config(config: dict[str, Any], depth: int | None = None) -> BackboneConfig:
    """The architecture a ``dit`` or ``block`` JSON describes."""
    if config.get("t_kernel_size", TEMPORAL_KERNEL) != TEMPORAL_KERNEL:
        raise ValueError(f"t_kernel_size={config['t_kernel_size']}: the temporal convolution has three taps")
    depth = depth or config["depth"]
    return BackboneConfig(
        latent_channels=config.get("in_channels", 1),
        hidden=config.get("hidden", config.get("C")),
        heads=config["heads"],
        depth=depth,
        softmax_blocks=tuple(config.get("softmax_blocks", ())),
        mixer="frame_gdn",
        camera_branch=True,
        mlp_ratio=config.get("mlp_ratio", 1),
        caption_channels=config.get("caption_channels", 1),
        text_tokens=config.get("max_len", 1),
        conv_taps=config.get("conv_kernel") or 4,
        plucker_channels=config.get("plucker_channels", 48),
        rope_theta=config.get("rope_theta", 1e4),
        norm_eps=config.get("norm_eps", 1e-5),
        cross_norm_eps=config.get("cross_norm_eps", 1e-6),
        layer_norm_eps=config.get("layer_norm_eps", 1e-6),
        gdn_eps=config.get("gdn_eps", config.get("eps", 1e-8)),
    )


def network(file: VectorFile, numerics: Numerics) -> SanaWM:
    """The whole network with the recorded weights."""
    model = SanaWM(backbone_config(file.config), numerics)
    load_weights(model, file.weights, file.path)
    return model.eval()


def load_module(module: nn.Module, weights: Mapping[str, Tensor], prefix: str, softmax: tuple[int, ...]) -> None:
    """Fill one module; a key that is neither its own nor known to be dead is an error."""
    own = module.state_dict().keys()
    unknown = [key for key in weights if key not in own and not is_dead(f"{prefix}{key}", softmax)]
    if unknown:
        raise KeyError(f"unknown keys {unknown}")
    module.load_state_dict({key: weights[key] for key in own}, strict=True)
    module.eval()


def in_bfloat16(numerics: Numerics) -> Numerics:
    """The same profile with softmax operands rounded, as ``*_official`` was recorded."""
    return dataclasses.replace(numerics, softmax_in_bfloat16=True)


def recorded_context(inputs: Mapping[str, Tensor], view: FrameView, head_dim: int, *, camera: bool) -> MixerContext:
    """Chunks and rays of a mixer or block, with the recorded rotary table."""
    shape = (view.frames, view.space, head_dim // 2)
    table = RotaryTable(inputs["rope_re"].reshape(shape), inputs["rope_im"].reshape(shape))
    rays = ray_frames(inputs["camera_conditions"], view.height, view.width) if camera else None
    return MixerContext(view, table, camera_part(table, head_dim), rays)


def view_of(file: VectorFile, starts: tuple[int, ...]) -> FrameView:
    """Frames and chunks of a file with ``THW``."""
    frames, height, width = file.config["THW"]
    return FrameView(ChunkLayout(frames, starts), height, width)


def text_of(inputs: Mapping[str, Tensor], states: str = "y", mask: str = "mask") -> TextConditioning:
    """Captions recorded as (batch, 1, tokens, channels)."""
    return TextConditioning(inputs[states][:, 0], inputs[mask])


def camera_of(inputs: Mapping[str, Tensor], prefix: str = "") -> CameraConditioning:
    """Both recorded camera inputs."""
    return CameraConditioning(inputs[f"{prefix}camera_conditions"], inputs[f"{prefix}chunk_plucker"])


def flat(tokens: Tensor) -> Tensor:
    """(batch, frames, space, channels) to the recorded (batch, tokens, channels)."""
    return tokens.flatten(1, 2)


def split(tokens: Tensor, view: FrameView) -> Tensor:
    """The recorded (batch, tokens, channels) to (batch, frames, space, channels)."""
    return tokens.unflatten(1, (view.frames, view.space))


no_grad = torch.no_grad
