"""A whole released repository of tiny random weights: every part in its released layout, for tests and demos."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file, save_file

from data_contracts.weights import Preset, WeightsLayout
from model.checkpoints.fixture import write_fixture
from model.codecs.causal_decoder import weights as causal_decoder
from model.codecs.causal_decoder.config import CausalDecoderConfig
from model.config import tiny
from model.refiner.transformer import RefinerConfig, build_refiner

if TYPE_CHECKING:
    from diffusers import AutoencoderKLLTX2Video

PLACEHOLDERS = ("<pad>", "<eos>", "<bos>", "<unk>")
WORDS = (*PLACEHOLDERS, "describe", "this", "prompt", ":", "a", "red", "brick", "wall", "room", "hall", "stone", "with")
INSTRUCTION = ["describe this", "prompt: "]
LAYERS = 2
ENCODER_SIZES = {
    "block_out_channels": (8, 16, 32, 64),
    "layers_per_block": (1,) * 5,
}
DECODER_SIZES = {
    "decoder_block_out_channels": (8, 16, 32),
    "decoder_layers_per_block": (1,) * 4,
}
REFINER_HOMES: Mapping[WeightsLayout, tuple[str, str, str]] = {
    WeightsLayout.STREAMING: ("refiner_diffusers/transformer", "refiner_diffusers/connectors", "gemma3_12b"),
}
OTHER_HOMES = ("refiner/transformer", "refiner/connectors", "refiner/text_encoder")


def write_release_fixture(target: Path, layout: WeightsLayout, seed: int) -> list[str]:
    """A repository that ``wm generate --checkpoint`` runs by itself; the same seed gives the same weights.

    The streaming layout gets the causal VAE, the others the two-sided one. Text models and instruction, which the Hub
    keeps elsewhere, lie in the same directory.

    Args:
        target: directory, made if it is not there.
        layout: a released one.
        seed: of the weights.

    Returns:
        paths of the files, relative to ``target``.
    """
    write_fixture(target, layout, Preset.TINY, seed)
    transformer, connectors, captions = (target / home for home in REFINER_HOMES.get(layout, OTHER_HOMES))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if layout is WeightsLayout.STREAMING:
            _write_causal_vae(target / "ltx2_causal_vae", seed)
        else:
            _vae().save_pretrained(target / "vae")
        _write_gemma2(target / "gemma-2-2b-it")
        _write_gemma3(captions)
        _connectors().save_pretrained(connectors)
    build_refiner(RefinerConfig.tiny(), seed).save_pretrained(transformer)
    _write_instruction(target / "config.yaml")
    return sorted(file.relative_to(target).as_posix() for file in target.rglob("*") if file.is_file())


def _vae() -> "AutoencoderKLLTX2Video":
    from diffusers import AutoencoderKLLTX2Video

    vae = AutoencoderKLLTX2Video(**ENCODER_SIZES, **DECODER_SIZES, decoder_causal=False).eval()
    vae.latents_mean.normal_()
    vae.latents_std.uniform_(0.5, 2)
    return vae


def _write_causal_vae(directory: Path, seed: int) -> None:
    causal_decoder.write_fixture(directory, CausalDecoderConfig.tiny(), seed)
    encoder = {name: tensor for name, tensor in _vae().state_dict().items() if name.startswith(causal_decoder.ENCODER)}
    weights, config = directory / causal_decoder.WEIGHTS, directory / causal_decoder.CONFIG
    save_file(load_file(weights) | encoder, weights)
    config.write_text(json.dumps(json.loads(config.read_text()) | ENCODER_SIZES, indent=2, sort_keys=True) + "\n")


def _write_gemma2(directory: Path) -> None:
    from transformers import Gemma2Config, Gemma2ForCausalLM

    Gemma2ForCausalLM(Gemma2Config(**_text_sizes())).save_pretrained(directory)
    _write_tokenizer(directory)


def _write_gemma3(directory: Path) -> None:
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    vision = {
        "hidden_size": 8,
        "intermediate_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "image_size": 28,
        "patch_size": 14,
    }
    config = Gemma3Config(text_config=_text_sizes(), vision_config=vision)
    Gemma3ForConditionalGeneration(config).save_pretrained(directory)
    _write_tokenizer(directory)


def _text_sizes() -> dict[str, Any]:
    return {
        "vocab_size": len(WORDS),
        "hidden_size": tiny().caption_channels,
        "intermediate_size": 64,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 16,
    }


def _write_tokenizer(directory: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 2)])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<bos>", unk_token="<unk>"
    ).save_pretrained(directory)


def _connectors() -> torch.nn.Module:
    from diffusers.pipelines.ltx2 import LTX2TextConnectors

    channels = RefinerConfig.tiny().caption_channels
    return LTX2TextConnectors(
        caption_channels=channels,
        text_proj_in_factor=LAYERS + 1,
        video_connector_num_attention_heads=2,
        video_connector_attention_head_dim=channels // 2,
        video_connector_num_layers=1,
        video_connector_num_learnable_registers=4,
        audio_connector_num_attention_heads=2,
        audio_connector_attention_head_dim=channels // 2,
        audio_connector_num_layers=1,
        audio_connector_num_learnable_registers=4,
        connector_rope_base_seq_len=32,
    )


def _write_instruction(path: Path) -> None:
    import yaml

    path.write_text(yaml.safe_dump({"text_encoder": {"chi_prompt": INSTRUCTION}}, sort_keys=True))
