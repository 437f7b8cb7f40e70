"""Kinds ``dit_streaming`` and ``samplers``: roll-outs call by call and cache by cache, and samplers end to end."""

import re
from typing import Any

from networks import camera_of, in_bfloat16, network, text_of
from results import Outcome
from torch import Tensor
from vector_files import VectorFile

from kernels.backend import Backend
from model.backbone import SanaWM
from model.causal import CacheWindow, ChunkLayout, RolloutState
from model.causal.state import BlockState, GDNState
from model.config import Numerics
from model.flow import (
    Conditions,
    euler_sigmas,
    explicit_sigmas,
    sample_bidirectional,
    sample_staggered,
    sample_streaming,
)
from model.layers.rope import RotaryTable

STREAM_INPUTS = frozenset({"x_init", "y", "mask", "camera_conditions", "chunk_plucker"})
LATENTS = re.compile(r"latents_(?P<sink>sink|nosink)_(?P<precision>fp32|official)")
SLOTS = 10


class RecordingModel:
    """A network that notes every call of a roll-out, and the untrimmed state of chosen blocks."""

    def __init__(self, model: SanaWM, blocks: list[int], calls_per_chunk: int) -> None:
        self.model = model
        self.calls_per_chunk = calls_per_chunk
        self.calls: list[dict[str, Any]] = []
        self.tensors: dict[str, Tensor] = {}
        self.states: dict[int, BlockState] = {}
        for index in blocks:
            model.blocks[index].register_forward_hook(self._keep(index))

    def _keep(self, index: int):
        def hook(module, args, output) -> None:
            self.states[index] = output[1]

        return hook

    def advance(
        self, latents, timesteps, text, camera, state: RolloutState, rotary: RotaryTable | None = None
    ) -> tuple[Tensor, RolloutState]:
        number = len(self.calls)
        chunk, step = divmod(number, self.calls_per_chunk)
        saves = step == self.calls_per_chunk - 1
        velocity, after = self.model.advance(latents, timesteps, text, camera, state, rotary)
        call = {"i": number, "start_f": state.frames, "end_f": after.frames, "save_kv_cache": saves}
        self.calls.append({**call, "shapes": {index: _shapes(state.block(index)) for index in self.states}})
        # The authors' saving call is told one timestep 0 for all frames; the same number, another shape.
        told = timesteps[:, 0, 0] if saves else timesteps
        self.tensors |= {f"call{number}.x": latents, f"call{number}.t": told, f"call{number}.v": velocity}
        if saves:
            for index, block in self.states.items():
                slots = cache_slots(block)
                self.tensors |= {f"cache.chunk{chunk}.block{index}.slot{slot}": slots[slot] for slot in slots}
        return velocity, after


def cache_slots(state: BlockState) -> dict[int, Tensor]:
    """A block's state after one chunk in the slots of the released cache."""
    tail = state.feed_forward_tail.permute(0, 3, 1, 2)
    if isinstance(state.mixer, GDNState):
        gdn = state.mixer
        slots = {0: gdn.main.matrix, 1: gdn.main.normalizer.mT, 9: tail}
        if gdn.camera is not None:
            slots[2] = gdn.camera.mT
        if gdn.camera_conv_tail is not None:
            slots[3] = gdn.camera_conv_tail.transpose(1, 2).flatten(0, 1)
        if gdn.conv_tail is not None:
            slots[4] = gdn.conv_tail.transpose(1, 2).flatten(0, 1)
        return slots
    last = state.mixer.cached[-1]
    softmax = {0: last.key, 1: last.value, 2: last.camera_key, 3: last.camera_value, 9: tail}
    return {slot: tensor for slot, tensor in softmax.items() if tensor is not None}


def _shapes(state: BlockState | None) -> list[Any]:
    """Shapes of what a call is given, slot by slot, with the released type flag in slot 6."""
    if state is None:
        return [None] * SLOTS
    slots = cache_slots(state)
    shapes: list[Any] = [list(slots[slot].shape) if slot in slots else None for slot in range(SLOTS)]
    shapes[6] = 1.0 if isinstance(state.mixer, GDNState) else 0.0
    if not isinstance(state.mixer, GDNState):
        tokens = sum(chunk.key.shape[2] for chunk in state.mixer.cached)
        for slot in range(4):
            shapes[slot] = shapes[slot] and [*shapes[slot][:2], tokens, shapes[slot][3]]
    return shapes


def run_streaming(file: VectorFile, numerics: Numerics, backend: Backend) -> Outcome:
    tensors: dict[str, Tensor] = {}
    exact: dict[str, tuple[Any, Any]] = {}
    recorded_run = "sink" if file.config["sink"] else "nosink"
    for name in file.recorded:
        match = LATENTS.fullmatch(name)
        if match is None:
            continue
        recorder, tensors[name] = _roll_out(file, numerics, match)
        if match["precision"] == "fp32" and match["sink"] == recorded_run:
            tensors |= recorder.tensors
            exact |= _call_checks(file, recorder)
    frames, size = file.config["T"], file.config["base_chunk_frames"]
    layout = ChunkLayout.streaming(frames, size)
    exact["chunks"] = ([*layout.starts, frames], list(file.config["chunks"]))
    return Outcome(tensors, STREAM_INPUTS, exact)


def _roll_out(file: VectorFile, numerics: Numerics, match: re.Match[str]) -> tuple[RecordingModel, Tensor]:
    config, inputs = file.config, file.inputs
    model = network(file, in_bfloat16(numerics) if match["precision"] == "official" else numerics)
    steps = [step for step in config["denoising_step_list"] if step > 0]
    recorder = RecordingModel(model, config.get("recorded_blocks", []), len(steps) + 1)
    cached = config["num_cached_blocks"]
    window = CacheWindow(None if cached < 0 else cached, sink=match["sink"] == "sink")
    layout = ChunkLayout(config["T"], tuple(config["chunks"][:-1]))
    first = inputs["x_init"][:, :, :1] if config["condition_frames"] else None
    given = Conditions(text_of(inputs), camera_of(inputs))
    sigmas = explicit_sigmas([step / 1000 for step in steps])
    return recorder, sample_streaming(recorder, inputs["x_init"], first, given, sigmas, layout, window)


def _call_checks(file: VectorFile, recorder: RecordingModel) -> dict[str, tuple[Any, Any]]:
    keys = ("i", "start_f", "end_f", "save_kv_cache")
    theirs = [{key: call[key] for key in keys} for call in file.meta["calls"]]
    exact: dict[str, tuple[Any, Any]] = {"calls": ([{key: c[key] for key in keys} for c in recorder.calls], theirs)}
    kinds = {index: index in file.config["softmax_blocks"] for index in file.config.get("recorded_blocks", [])}
    for index, softmax in kinds.items():
        name = "softmax_block_cache_shapes" if softmax else "gdn_block_cache_shapes"
        recorded = [call.get(name) for call in file.meta["calls"]]
        exact[f"block{index} {name}"] = ([call["shapes"][index] for call in recorder.calls], recorded)
    return exact


def run_samplers(file: VectorFile, numerics: Numerics, backend: Backend) -> Outcome:
    config, inputs = file.config, file.inputs
    model = network(file, numerics)
    sigmas = euler_sigmas(config["flow_shift"], config["steps"])
    tensors, used = {}, {"cond", "uncond", "cond_mask", "uncond_mask"}
    for name in file.recorded:
        match = re.fullmatch(r"(ar_)?latents_out_(fp32|official)", name)
        if match is None:
            continue
        prefix = match[1] or ""
        used |= {f"{prefix}x", f"{prefix}camera_conditions", f"{prefix}chunk_plucker"}
        chosen = model if match[2] == "fp32" else network(file, in_bfloat16(numerics))
        texts = text_of(inputs, "cond", "cond_mask"), text_of(inputs, "uncond", "uncond_mask")
        given = Conditions(texts[0], camera_of(inputs, prefix), texts[1], config["cfg"])
        noise = inputs[f"{prefix}x"]
        first = noise[:, :, :1] if config["condition_frames"] else None
        if prefix:
            layout = ChunkLayout(config["ar_T"], tuple(config["chunk_index"]))
            tensors[name] = sample_staggered(chosen, noise, first, given, sigmas, layout, config["interval_k"])
        else:
            tensors[name] = sample_bidirectional(chosen, noise, first, given, sigmas)
    return Outcome(tensors, frozenset(used))
