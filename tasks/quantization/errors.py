"""What quantization costs: per weight, and in the velocity the model predicts."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from data_contracts.quantization import LayerError, OutputError
from model.backbone import SanaWM
from model.causal.layout import ChunkLayout
from model.quantize.emulation import rounded_activations
from model.quantize.fp8 import dequantize_fp8, quantize_fp8
from model.quantize.nvfp4 import dequantize_nvfp4, quantize_nvfp4
from model.quantize.selection import matrix_of
from model.types import TextConditioning
from tasks.quantization.config import QuantizeConfig


def relative_rms(measured: Float[Tensor, "*shape"], exact: Float[Tensor, "*shape"]) -> float:
    """``rms(measured - exact) / rms(exact)``; 0 where both are zero."""
    scale = exact.float().square().mean().sqrt()
    return 0.0 if scale == 0 else float((measured.float() - exact.float()).square().mean().sqrt() / scale)


def layer_errors(weights: Mapping[str, Tensor], chosen: Sequence[str]) -> list[LayerError]:
    """Error of each chosen weight under NVFP4 and under rowwise FP8."""
    errors = []
    for key in chosen:
        matrix = matrix_of(weights[key]).float()
        errors.append(
            LayerError(
                key=key,
                rows=matrix.shape[0],
                columns=matrix.shape[1],
                nvfp4=relative_rms(dequantize_nvfp4(quantize_nvfp4(matrix)), matrix),
                fp8=relative_rms(dequantize_fp8(quantize_fp8(matrix)), matrix),
            )
        )
    return errors


@torch.no_grad()
def output_errors(model: SanaWM, chosen: Sequence[str], config: QuantizeConfig) -> list[OutputError]:
    """Error of the velocity on seeded noise; the model's own weights are back in place afterwards."""
    exact = {key: value.clone() for key, value in model.state_dict().items()}
    nvfp4 = {key: dequantize_nvfp4(quantize_nvfp4(matrix_of(exact[key]))).reshape(exact[key].shape) for key in chosen}
    fp8 = {key: dequantize_fp8(quantize_fp8(matrix_of(exact[key]))).reshape(exact[key].shape) for key in chosen}
    wanted = {timestep: _velocity(model, timestep, config) for timestep in config.timesteps}
    model.load_state_dict({**exact, **nvfp4})
    weights_only = {timestep: _velocity(model, timestep, config) for timestep in config.timesteps}
    with rounded_activations(model, chosen):
        both = {timestep: _velocity(model, timestep, config) for timestep in config.timesteps}
    model.load_state_dict({**exact, **fp8})
    eight_bits = {timestep: _velocity(model, timestep, config) for timestep in config.timesteps}
    model.load_state_dict(exact)
    return [
        OutputError(
            timestep=timestep,
            nvfp4_weights=relative_rms(weights_only[timestep], velocity),
            nvfp4_weights_and_activations=relative_rms(both[timestep], velocity),
            fp8_weights=relative_rms(eight_bits[timestep], velocity),
        )
        for timestep, velocity in wanted.items()
    ]


def _velocity(model: SanaWM, timestep: int, config: QuantizeConfig) -> Float[Tensor, "1 channels frames height width"]:
    """One forward on the same noise and text every time (no camera input: its branches are not quantized)."""
    generator = torch.Generator().manual_seed(config.seed)
    sizes = model.config
    shape = (1, sizes.latent_channels, config.latent_frames, config.latent_height, config.latent_width)
    latents = torch.randn(shape, generator=generator)
    text = TextConditioning(
        torch.randn((1, sizes.text_tokens, sizes.caption_channels), generator=generator),
        torch.ones(1, sizes.text_tokens),
    )
    layout = ChunkLayout.single(config.latent_frames)
    return model(latents, torch.tensor([float(timestep)]), text, None, layout)
