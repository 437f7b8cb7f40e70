"""``wm generate --checkpoint``: a released checkpoint and its parts, checked, preflighted, loaded."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from workflows.cli.generation_inputs import CameraInput, SceneOptions, build_request
from workflows.cli.generation_setup import PrecisionName, RunOptions, SourceOptions

if TYPE_CHECKING:
    from model.generation.released.parts import ReleasedParts
    from model.generation.released.settings import ReleasedRun
    from model.generation.request import GenerationRequest
    from workflows.cli.generation_run import Job


def open_released_job(
    checkpoint: Path, camera: CameraInput, scene: SceneOptions, source: SourceOptions, run: RunOptions
) -> tuple["Job", "GenerationRequest"]:
    """Find the parts, check the request and the memory, then read, digest and load.

    Raises:
        InputError: a part is missing or broken, or the request cannot be used.
        OperationError: the video does not fit the memory.
    """
    import torch

    from data_contracts.generation import WeightsRecord
    from model.generation.memory import demand_memory, free_bytes
    from model.generation.pipeline import GENERATION_THREADS
    from model.generation.placement import Placement, Precision
    from model.generation.released.loading import load_released, released_digests
    from model.generation.released.parts import find_parts
    from model.generation.released.preflight import released_need
    from model.generation.released.settings import released_info
    from workflows.cli.generation_run import Job

    parts = find_parts(checkpoint, source.parts)
    wanted = _wanted(parts, scene, source, run)
    info = released_info(parts.backbone.layout, wanted, "")
    request = build_request(info, camera, scene, wanted.mode)
    request = replace(request, refine=parts.refinable if run.refine is None else run.refine)
    own = PrecisionName.BF16 if torch.cuda.is_available() else PrecisionName.FP32
    placement = Placement.best(Precision(run.precision or own), run.offload)
    if run.preflight:
        need = released_need(parts, wanted, request.raw_frames, placement, refine=request.refine)
        what = f"a {wanted.mode.value} video of {request.raw_frames} frames at {wanted.width}x{wanted.height}"
        demand_memory(need, free_bytes(placement.device), what)
    torch.set_num_threads(GENERATION_THREADS)
    digests = released_digests(parts, refine=request.refine)
    pipeline = load_released(parts, wanted, placement, digests, refine=request.refine)
    weights = WeightsRecord(numerics=pipeline.card.numerics, files=digests)
    return Job(pipeline, weights, camera.held if run.overlay else None, camera.action), request


def _wanted(parts: "ReleasedParts", scene: SceneOptions, source: SourceOptions, run: RunOptions) -> "ReleasedRun":
    from model.generation.released.settings import MODES, SIZE, ReleasedRun

    height, width = source.size or SIZE
    mode = scene.mode or MODES[parts.backbone.layout]
    return ReleasedRun(mode, source.numerics, height, width, run.compiled)
