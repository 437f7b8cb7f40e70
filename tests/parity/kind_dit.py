"""Kind ``dit``: the whole network, every block, the embedders."""

import re

import torch
from networks import camera_of, flat, in_bfloat16, network, text_of
from results import Outcome
from torch import Tensor
from vector_files import VectorFile

from kernels.backend import Backend
from model.backbone import SanaWM
from model.causal import ChunkLayout
from model.config import Numerics

INPUTS = frozenset({"x", "timestep", "y", "mask", "camera_conditions", "chunk_plucker"})
OUTPUT = re.compile(
    r"out(?P<bare>_no_?cam)?(?P<scalar>_scalar_t)?(?P<perturbed>_future_perturbed)?(_rms_clip)?_(?P<precision>fp32|official)"
)
BLOCK = re.compile(r"block(\d+)_out_(fp32|official)")


def run(file: VectorFile, numerics: Numerics, backend: Backend) -> Outcome:
    tensors: dict[str, Tensor] = {}
    models = {"fp32": network(file, numerics), "official": network(file, in_bfloat16(numerics))}
    for name in file.recorded:
        if match := OUTPUT.fullmatch(name):
            tensors[name] = _forward(file, models[match["precision"]], match)
    tensors |= _intermediates(file, models)
    return Outcome(tensors, INPUTS)


def _forward(file: VectorFile, model: SanaWM, match: re.Match[str]) -> Tensor:
    inputs, config = file.inputs, file.config
    latents = inputs["x"]
    if match["perturbed"]:
        latents = latents.clone()
        change = config["future_perturbation"]
        latents[:, :, change["from_frame"] :] += change["add_to_x"]
    timesteps = inputs["timestep"]
    if match["scalar"]:
        timesteps = torch.full((latents.shape[0],), config["scalar_t"])
    frames = latents.shape[2]
    layout = ChunkLayout(frames, file.layout_starts(frames))
    return model(latents, timesteps, text_of(inputs), None if match["bare"] else camera_of(inputs), layout)


def _intermediates(file: VectorFile, models: dict[str, SanaWM]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    plain = OUTPUT.fullmatch("out_fp32")
    assert plain is not None
    blocks = [match for match in map(BLOCK.fullmatch, file.recorded) if match]
    for precision in sorted({match[2] for match in blocks}):
        outputs = _block_outputs(file, models[precision], plain)
        found |= {match[0]: outputs[int(match[1])] for match in blocks if match[2] == precision}
    return found | _embedders(file, models["fp32"])


def _block_outputs(file: VectorFile, model: SanaWM, plain: re.Match[str]) -> list[Tensor]:
    outputs: list[Tensor] = []

    def keep(module, args, output) -> None:
        outputs.append(flat(output[0]))

    hooks = [block.register_forward_hook(keep) for block in model.blocks]
    _forward(file, model, plain)
    for hook in hooks:
        hook.remove()
    return outputs


def _embedders(file: VectorFile, model: SanaWM) -> dict[str, Tensor]:
    inputs = file.inputs
    embedded = model.t_embedder(inputs["timestep"][:, 0])
    caption = model.attention_y_norm(model.y_embedder(inputs["y"][:, 0]))
    return {
        "t_emb": embedded.flatten(0, 1),
        "t_block": model.t_block(embedded).flatten(0, 1),
        "y_emb": caption[:, None],
        "plucker_emb": flat(model.plucker_embedder(inputs["chunk_plucker"])),
        "x_emb": flat(model.x_embedder(inputs["x"])),
    }
