"""What a prompt takes in both text models: the part of a minute's budget that is paid once."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from model.generation.bench_minute import wait_for_device

if TYPE_CHECKING:
    from torch import nn

ROUNDS = 5
COPIED = 2**31


@dataclass(frozen=True)
class TextModel:
    """A text model of the release by its sizes.

    Attributes:
        name: what it serves.
        build: makes it on the current default device in the current default type.
        tokens: places of a prompt.
        all_layers: whether every layer's states are wanted.
    """

    name: str
    build: "Callable[[], nn.Module]"
    tokens: int
    all_layers: bool


def host_copy_rate(device: torch.device, size: int = COPIED) -> float:
    """Bytes a second of pageable host memory to the device, as weights of a text model come."""
    held = torch.zeros(size, dtype=torch.uint8)
    held.to(device)
    wait_for_device()
    began = time.perf_counter()
    held.to(device)
    wait_for_device()
    return size / (time.perf_counter() - began)


def text_row(model: TextModel, device: torch.device, dtype: torch.dtype, copy_rate: float, rate: float) -> dict:
    """Seconds of one prompt, the seconds its weights need to come, and the floor of its arithmetic."""
    with torch.device(device), _default(dtype):
        network = model.build().eval().requires_grad_(False)
    ids = torch.randint(0, network.config.vocab_size, (1, model.tokens), device=device)
    wanted: dict[str, Any] = {"input_ids": ids, "use_cache": False, "output_hidden_states": model.all_layers}
    layers = sum(one.numel() for name, one in network.named_parameters() if "embed_tokens" not in name)
    times = []
    for _ in range(ROUNDS):
        wait_for_device()
        began = time.perf_counter()
        network(**wanted)
        wait_for_device()
        times.append(time.perf_counter() - began)
    size = sum(one.numel() * one.element_size() for one in network.parameters())
    return {
        "part": model.name,
        "tokens": model.tokens,
        "seconds": statistics.median(times),
        "weights_gib": size / 2**30,
        "visit_seconds": size / copy_rate,
        "floor_seconds": 2 * layers * model.tokens / rate,
    }


@contextmanager
def _default(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def released_text_models() -> list[TextModel]:
    """Gemma-2 2B of stage 1 and the text half of Gemma-3 12B of the refiner, with their published sizes."""
    from transformers import Gemma2Config, Gemma2Model, Gemma3TextConfig, Gemma3TextModel

    small = Gemma2Config()  # the class defaults are those of 2B but for three sizes
    for name, value in (("hidden_size", 2304), ("intermediate_size", 9216), ("num_hidden_layers", 26)):
        setattr(small, name, value)
    large = Gemma3TextConfig(
        hidden_size=3840,
        intermediate_size=15360,
        num_hidden_layers=48,
        num_attention_heads=16,
        num_key_value_heads=8,
        head_dim=256,
        vocab_size=262208,
    )
    return [
        TextModel("text of stage 1", lambda: Gemma2Model(small), 512, all_layers=False),
        TextModel("text of the refiner", lambda: Gemma3TextModel(large), 1024, all_layers=True),
    ]


def tiny_text_models() -> list[TextModel]:
    """The first of them at toy sizes."""
    from transformers import Gemma2Config, Gemma2Model

    config = Gemma2Config(
        vocab_size=16,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=1,
        num_key_value_heads=1,
        head_dim=16,
    )
    return [TextModel("text of stage 1", lambda: Gemma2Model(config), 8, all_layers=False)]
