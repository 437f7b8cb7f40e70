"""Kind ``block``: a full block, with the inputs and outputs of its parts."""

import re

from networks import backbone_config, flat, in_bfloat16, load_module, recorded_context, split, view_of
from results import Outcome
from torch import Tensor
from vector_files import VectorFile

from kernels.backend import Backend
from model.block import Block
from model.config import Numerics
from model.types import TextConditioning

INPUTS = frozenset({"x", "y", "t0", "y_mask", "rope_re", "rope_im", "camera_conditions", "plucker_emb"})
OUTPUT = re.compile(r"out(?P<bare>_no_?cam)?_(?P<precision>fp32|official)")
PARTS = ("attn", "cross_attn", "mlp")


def run(file: VectorFile, numerics: Numerics, backend: Backend) -> Outcome:
    tensors: dict[str, Tensor] = {}
    for name in file.recorded:
        match = OUTPUT.fullmatch(name)
        if match is None:
            continue
        precise = match["precision"] == "fp32"
        result, parts = _forward(file, numerics if precise else in_bfloat16(numerics), camera=not match["bare"])
        tensors[name] = result
        if precise and not match["bare"]:
            tensors |= parts
    return Outcome(tensors, INPUTS)


def _forward(file: VectorFile, numerics: Numerics, *, camera: bool) -> tuple[Tensor, dict[str, Tensor]]:
    index = 0
    blocks = (0,) if file.config["block"] == "softmax" else ()
    config = backbone_config({**file.config, "softmax_blocks": blocks}, depth=1)
    block = Block(config, numerics, index)
    load_module(block, file.weights, "blocks.0.", blocks)
    inputs = file.inputs
    view = view_of(file, file.layout_starts(file.config["THW"][0]))
    parts = _watch(block)
    raymap = split(inputs["plucker_emb"], view) if camera else None
    caption = TextConditioning(inputs["y"][:, 0], inputs["y_mask"])
    context = recorded_context(inputs, view, config.head_dim, camera=camera)
    output, _ = block(split(inputs["x"], view), inputs["t0"][:, 0], caption, raymap, context, None)
    return flat(output), parts


def _watch(block: Block) -> dict[str, Tensor]:
    seen: dict[str, Tensor] = {}
    for part in PARTS:

        def hook(module, args, output, part=part) -> None:
            seen[f"{part}_in"] = flat(args[0])
            seen[f"{part}_out"] = flat(output[0] if isinstance(output, tuple) else output)

        getattr(block, part).register_forward_hook(hook)
    return seen
