"""The causal VAE on disk, in the released layout: ``config.json`` and one safetensors file.

The layout is that of diffusers' LTX-2 VAE class, on which the released causal class is built: ``latents_mean``,
``latents_std``, ``decoder.*``, and ``encoder.*``, which the decoder leaves unread. The spec names the directory
(``ltx2_causal_vae``) and no keys, so this is inferred; any other key is an error, never skipped.
"""

import json
from pathlib import Path

import torch
from torch import Tensor

from model.codecs.causal_decoder.config import CausalDecoderConfig, read_config
from model.codecs.causal_decoder.decoder import CausalVideoDecoder
from model.codecs.causal_decoder.network import DecoderNetwork
from model.codecs.latent_statistics import DEVIATION_KEY, MEAN_KEY, LatentStatistics
from model.codecs.strict_weights import read_strict, shapes_of

CONFIG = "config.json"
WEIGHTS = "diffusion_pytorch_model.safetensors"
PREFIX = "decoder."
ENCODER = "encoder."
HOST = torch.device("cpu")


def released_shapes(config: CausalDecoderConfig) -> dict[str, tuple[int, ...]]:
    """Key -> shape of everything the decoder reads; nothing is allocated."""
    with torch.device("meta"):
        network = DecoderNetwork(config)
    keys = {PREFIX + name: shape for name, shape in shapes_of(network).items()}
    return {MEAN_KEY: (config.latent_channels,), DEVIATION_KEY: (config.latent_channels,), **keys}


def load_causal_decoder(
    directory: Path, dtype: torch.dtype = torch.float32, device: torch.device = HOST
) -> CausalVideoDecoder:
    """The decoder of a causal VAE directory, in evaluation mode.

    Raises:
        InputError: a file is missing or broken, a key is unknown, missing or misshaped, or the configuration is not
            that of a causal decoder.
    """
    config = read_config(directory / CONFIG)
    path = directory / WEIGHTS
    tensors = read_strict(path, released_shapes(config), _is_encoder)
    statistics = LatentStatistics.from_file(
        path, tensors.pop(MEAN_KEY), tensors.pop(DEVIATION_KEY), config.scaling_factor
    )
    with torch.device("meta"):
        network = DecoderNetwork(config)
    weights = {name.removeprefix(PREFIX): tensor.to(dtype) for name, tensor in tensors.items()}
    network.load_state_dict(weights, strict=True, assign=True)
    return CausalVideoDecoder(network.eval().requires_grad_(False).to(device), statistics)


def _is_encoder(name: str) -> bool:
    return name.startswith(ENCODER)


def write_fixture(directory: Path, config: CausalDecoderConfig, seed: int) -> None:
    """A random causal VAE in the released layout, without an encoder: for tests and demonstrations.

    Weights are normal with variance one over the fan-in, statistics near those of a trained VAE; the same seed gives
    the same bytes.
    """
    from safetensors.torch import save_file

    generator = torch.Generator().manual_seed(seed)
    tensors = {name: _drawn(name, shape, generator) for name, shape in released_shapes(config).items()}
    directory.mkdir(parents=True, exist_ok=True)
    scratch = directory / f".{WEIGHTS}.partial"
    save_file(tensors, scratch)
    scratch.replace(directory / WEIGHTS)
    described = json.dumps(_released_fields(config), indent=2, sort_keys=True) + "\n"
    scratch = directory / f".{CONFIG}.partial"
    scratch.write_text(described)
    scratch.replace(directory / CONFIG)


def _drawn(name: str, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    values = torch.randn(shape, generator=generator)
    if name == DEVIATION_KEY:
        return 1 + 0.1 * values.abs()
    if len(shape) == 1:
        return 0.1 * values
    return values / float(torch.tensor(shape[1:]).prod()) ** 0.5


def _released_fields(config: CausalDecoderConfig) -> dict[str, object]:
    return {
        "_class_name": "AutoencoderKLCausalLTX2Video",
        "latent_channels": config.latent_channels,
        "out_channels": 3,
        "decoder_block_out_channels": list(config.block_channels),
        "decoder_layers_per_block": list(config.layers),
        "decoder_causal": True,
        "decoder_spatial_padding_mode": "reflect",
        "patch_size": config.patch,
        "patch_size_t": 1,
        "scaling_factor": config.scaling_factor,
    }
