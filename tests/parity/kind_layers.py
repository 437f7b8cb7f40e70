"""Kinds ``ffn_shortconv`` and ``rope``."""

import re

import torch
from einops import rearrange
from networks import flat
from results import Outcome
from torch import Tensor
from vector_files import VectorFile

from kernels.backend import Backend
from model.causal import ChunkLayout
from model.causal.view import FrameView
from model.config import Numerics
from model.layers.feed_forward import FeedForward
from model.layers.rope import rotary_table
from model.layers.short_conv import ShortConv

FFN_INPUTS = frozenset({"x", "conv_w"})
NAME = re.compile(r"(?P<part>y|conv)_(?P<mode>bidi|causal|chunk|cached)(?P<starts>(_\d+)*)")


def run_ffn_shortconv(file: VectorFile, numerics: Numerics, backend: Backend) -> Outcome:
    config, inputs = file.config, file.inputs
    feed_forward = FeedForward(config["in_features"], config["hidden_features"])
    feed_forward.load_state_dict(file.weights, strict=True)
    convolution = ShortConv(inputs["conv_w"].shape[0], inputs["conv_w"].shape[2])
    convolution.weight.data = inputs["conv_w"]
    frames, height, width = config["THW"]
    tokens = rearrange(inputs["x"], "b (t s) c -> b t s c", t=frames)
    tensors = {}
    for name in file.recorded:
        match = NAME.fullmatch(name)
        if match is None:
            continue
        module = feed_forward if match["part"] == "y" else convolution
        starts = _starts(match, config["chunk_index"], frames)
        if match["mode"] == "cached":
            tensors[name] = _cached(module, tokens, ChunkLayout(frames, starts), (height, width))
        else:
            view = FrameView(ChunkLayout(frames, starts), height, width)
            tensors[name] = flat(module(tokens, view, None)[0])
    return Outcome(tensors, FFN_INPUTS)


def _starts(match: re.Match[str], configured: list[int], frames: int) -> tuple[int, ...]:
    """A causal convolution is the chunked one with a chunk a frame."""
    if match["mode"] == "bidi":
        return (0,)
    if match["mode"] == "causal":
        return tuple(range(frames))
    named = [int(start) for start in match["starts"].split("_") if start]
    return tuple(start for start in named or configured if start < frames)


def _cached(module: FeedForward | ShortConv, tokens: Tensor, layout: ChunkLayout, grid: tuple[int, int]) -> Tensor:
    outputs, tail = [], None
    for start, stop in layout.chunks:
        view = FrameView(ChunkLayout.single(stop - start), *grid)
        output, tail = module(tokens[:, start:stop], view, tail)
        outputs.append(output)
    return flat(torch.cat(outputs, dim=1))


def run_rope(file: VectorFile, numerics: Numerics, backend: Backend) -> Outcome:
    tensors = {}
    for name, case in file.meta["cases"].items():
        theta = case.get("theta", file.config.get("theta", 1e4))
        table = rotary_table(case["head_dim"], tuple(case["frames"]), *case["hw"], theta)
        tensors[f"{name}_re"] = table.cosine.flatten(0, 1)[None, None]
        tensors[f"{name}_im"] = table.sine.flatten(0, 1)[None, None]
    return Outcome(tensors)
