"""From the options of ``wm generate`` to a loaded pipeline and a checked request; cheap refusals come first."""

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.wire import GenerationMode
from workflows.cli.generation_inputs import CameraInput, SceneOptions, build_request

if TYPE_CHECKING:
    from data_contracts.bundle import BundleInfo
    from model.generation.placement import Placement
    from model.generation.request import GenerationRequest
    from workflows.cli.generation_run import Job


class PrecisionName(StrEnum):
    """Names of ``model.generation.placement.Precision``, without its import."""

    FP32 = "fp32"
    BF16 = "bf16"
    FP8 = "fp8"


@dataclass(frozen=True)
class SourceOptions:
    """Where the weights come from: the release of a workdir, a bundle, or a released checkpoint and its parts.

    ``numerics`` and ``size`` (height and width) are what a released checkpoint does not say of itself.
    """

    workdir: Path
    bundle: Path | None = None
    checkpoint: Path | None = None
    parts: tuple[Path, ...] = ()
    numerics: str | None = None
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class RunOptions:
    """How it runs; ``refine`` None = where there is a refiner, ``precision`` None = float32, bfloat16 if released."""

    refine: bool | None
    precision: PrecisionName | None
    offload: bool
    preflight: bool
    overlay: bool
    compiled: bool


def open_job(
    camera: CameraInput, scene: SceneOptions, source: SourceOptions, run: RunOptions
) -> tuple["Job", "GenerationRequest"]:
    """Find the weights, check the request and the memory, then load.

    Raises:
        InputError: weights or request cannot be used.
        OperationError: the video does not fit the memory.
    """
    if source.checkpoint is not None:
        from workflows.cli.generation_released import open_released_job

        return open_released_job(source.checkpoint, camera, scene, source, run)
    import torch

    from model.generation.bundle import REFINER_DIRECTORY, read_bundle_info
    from model.generation.pipeline import GENERATION_THREADS, WorldPipeline
    from model.generation.placement import Placement, Precision
    from model.generation.record import weights_record
    from workflows.cli.generation_run import Job

    directory = _bundle(source)
    info = read_bundle_info(directory)
    request = build_request(info, camera, scene, scene.mode or GenerationMode.STREAMING)
    held = (directory / REFINER_DIRECTORY).is_dir()
    request = replace(request, refine=held if run.refine is None else run.refine)
    placement = Placement.best(Precision(run.precision or PrecisionName.FP32), run.offload)
    if run.preflight:
        _check_memory(directory, info, request, placement)
    torch.set_num_threads(GENERATION_THREADS)
    pipeline = WorldPipeline.load(directory, placement=placement)
    weights = weights_record(directory, pipeline, refined=request.refine)
    return Job(pipeline, weights, camera.held if run.overlay else None, camera.action), request


def _bundle(source: SourceOptions) -> Path:
    if source.bundle is not None:
        return source.bundle
    from infra.workdir import Workdir
    from serving.readiness import verified_bundle

    return verified_bundle(Workdir(source.workdir), None).directory


def _check_memory(bundle: Path, info: "BundleInfo", request: "GenerationRequest", placement: "Placement") -> None:
    from model.generation.bundle import REFINER_DIRECTORY
    from model.generation.preflight import bundle_need, demand_bundle_memory

    refine = request.refine and (bundle / REFINER_DIRECTORY).is_dir()
    need = bundle_need(bundle, info, request.mode, request.raw_frames, placement, refine=refine)
    what = f"a {request.mode.value} video of {request.raw_frames} frames at {info.width}x{info.height}"
    demand_bundle_memory(need, placement, bundle, what)
