"""Kinds ``schedules`` and ``preproc``: JSONs without tensors."""

from typing import Any

import numpy as np
import torch
from results import Outcome
from torch import Tensor
from vector_files import VectorFile

from kernels.backend import Backend
from model.causal import ChunkLayout
from model.config import Numerics
from model.flow.schedule import euler_sigmas, explicit_sigmas, shift_sigmas, staggered_starts
from model.generation.first_frame import prepare_first_frame, snap_raw_frames


def run_schedules(file: VectorFile, numerics: Numerics, backend: Backend) -> Outcome:
    lists: dict[str, tuple[Tensor, Tensor]] = {}
    exact: dict[str, tuple[Any, Any]] = {}
    skipped: dict[str, str] = {}
    for name, case in file.meta["cases"].items():
        recorded = file.meta["schedules"]
        for part in name.split("/"):
            recorded = recorded[part]
        if "T" in case:
            exact |= _chunk_plan(name, case, recorded)
        elif sigmas := _sigmas(case):
            ours = sigmas[0]
            lists[f"{name}.sigmas"] = (ours, torch.tensor(recorded["sigmas"]))
            lists[f"{name}.timesteps"] = (1000 * ours[:-1], torch.tensor(recorded["timesteps"]))
        elif case.get("constant"):
            exact[f"{name} closes"] = (recorded["sigmas"][-1], 0.0)
        else:
            skipped[name] = f"settings {sorted(case)}"
    return Outcome({}, frozenset(), exact, lists, skipped)


def _sigmas(case: dict[str, Any]) -> tuple[Tensor] | None:
    if "explicit_sigmas" in case:
        shifted = shift_sigmas(torch.tensor(case["explicit_sigmas"], dtype=torch.float64), case["shift"])
        return (explicit_sigmas(shifted.tolist()),)
    if "steps" in case:
        return (euler_sigmas(case["shift"], case["steps"]),)
    return None


def _chunk_plan(name: str, case: dict[str, Any], recorded: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    layout = ChunkLayout.first_plus_one(case["T"], case["chunk_size"])
    starts = list(staggered_starts(len(layout.chunks), case["steps"], case["interval_k"]))
    streaming = ChunkLayout.streaming(case["T"], case["base_chunk_frames"])
    ours = {
        "chunk_index": list(layout.starts),
        "chunks": [list(chunk) for chunk in layout.chunks],
        "start_steps": starts,
        f"start_steps_{case['steps']}": starts,
        "total_steps": starts[-1] + case["steps"],
        "self_forcing_segments": [*streaming.starts, case["T"]],
    }
    return {f"{name}.{key}": (ours.get(key), value) for key, value in recorded.items()}


def run_preproc(file: VectorFile, numerics: Numerics, backend: Backend) -> Outcome:
    height, width = file.config["target"]
    exact: dict[str, tuple[Any, Any]] = {}
    for key, crop in file.meta["crop"].items():
        source_width, source_height = crop["src"]
        frame = prepare_first_frame(np.zeros((source_height, source_width, 3), np.uint8), height, width)
        resized = [round(source_width * frame.scale[0]), round(source_height * frame.scale[1])]
        exact[f"crop {key}"] = ((resized, [frame.left, frame.top]), (crop["resized"], crop["crop_left_top"]))
    for key, count in file.meta["snap_num_frames"].items():
        frames, stride = (int(part) for part in key.split(","))
        exact[f"snap {key}"] = (snap_raw_frames(frames, stride), count)
    example = file.meta["intrinsics_example_input"]
    source_width, source_height = example["src"]
    frame = prepare_first_frame(np.zeros((source_height, source_width, 3), np.uint8), height, width)
    ours = frame.intrinsics(np.array([example["intrinsics"]]))[0]
    lists = {"intrinsics_example": (torch.tensor(ours).float(), torch.tensor(file.meta["intrinsics_example"]))}
    return Outcome({}, frozenset(), exact, lists)
