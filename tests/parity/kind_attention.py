"""Kind ``attention``: a whole self-attention module with camera branch, gates and projections."""

import re

from networks import backbone_config, flat, in_bfloat16, load_module, recorded_context, split, view_of
from results import Outcome
from torch import Tensor, nn
from vector_files import VectorFile, chunk_starts

from kernels.backend import Backend
from model.block import build_mixer
from model.causal.view import FrameView
from model.config import Numerics
from model.mixers.gates import frame_gates

INPUTS = frozenset({"x", "camera_conditions", "rope_re", "rope_im"})
OUTPUT = re.compile(r"y(?P<chunk>_chunk)?(?P<bare>_no_?cam)?_(?P<precision>fp32|official)")


def run(file: VectorFile, numerics: Numerics, backend: Backend) -> Outcome:
    softmax = file.config["attention"] == "softmax"
    tensors: dict[str, Tensor] = {}
    for name in file.recorded:
        match = OUTPUT.fullmatch(name)
        if match is None:
            continue
        chosen = in_bfloat16(numerics) if match["precision"] == "official" else numerics
        tensors[name] = _mix(file, chosen, _view(file, bool(match["chunk"])), camera=not match["bare"], softmax=softmax)
    return Outcome(tensors | _gates(file), INPUTS)


def _view(file: VectorFile, chunked: bool) -> FrameView:
    if chunked:
        return view_of(file, chunk_starts(file.config["chunk_attention"], file.config["THW"][0]))
    return view_of(file, file.layout_starts(file.config["THW"][0]))


def _mixer(file: VectorFile, numerics: Numerics, *, softmax: bool):
    blocks = (0,) if softmax else ()
    config = backbone_config({**file.config, "softmax_blocks": blocks}, depth=1)
    mixer = build_mixer(config, numerics, 0)
    load_module(mixer, file.weights, "blocks.0.attn.", blocks)
    return mixer


def _mix(file: VectorFile, numerics: Numerics, view: FrameView, *, camera: bool, softmax: bool) -> Tensor:
    mixer = _mixer(file, numerics, softmax=softmax)
    context = recorded_context(file.inputs, view, mixer.head_dim, camera=camera)
    return flat(mixer(split(file.inputs["x"], view), context, None)[0])


def _gates(file: VectorFile) -> dict[str, Tensor]:
    """Gates straight from the recorded weights: softmax modules carry them without reading them."""
    weights = file.weights
    projections = [_linear(weights, name) for name in ("beta_proj", "gate_proj")]
    tokens = split(file.inputs["x"], _view(file, chunked=False))
    beta, decay = frame_gates(tokens, *projections, weights["A_log"], weights["dt_bias"])
    return {"beta": beta, "decay": decay}


def _linear(weights: dict[str, Tensor], name: str) -> nn.Linear:
    weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    linear = nn.Linear(weight.shape[1], weight.shape[0])
    linear.load_state_dict({"weight": weight, "bias": bias})
    return linear
