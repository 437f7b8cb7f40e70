"""``wm generate``: one video from a picture, words and a camera path."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_contracts.wire import GenerationMode

if TYPE_CHECKING:
    from data_contracts.generation import GenerationRecord
    from model.generation.pipeline import WorldPipeline
    from model.generation.request import GenerationRequest

ONE_PATH = "exactly one of --action, --camera and --waypoints"


@dataclass(frozen=True)
class PathOptions:
    """Where the camera path comes from; exactly one is given."""

    action: str | None
    camera: Path | None
    waypoints: Path | None


def generate(  # noqa: PLR0913, PLR0917 - one parameter per option of the command
    prompt: Annotated[str, typer.Option(help="What the scene is; say nothing of how the camera moves.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="MP4 to write; it can be watched while it grows.")],
    image: Annotated[Path | None, typer.Option(help="First frame; without one the words alone decide.")] = None,
    action: Annotated[
        str | None, typer.Option(help="Keys and frames: w-40,wd-20,none-8 (w s walk, a d turn, i k pitch, j l strafe).")
    ] = None,
    camera: Annotated[Path | None, typer.Option(help="NPY (F,4,4): OpenCV camera-to-world, metres.")] = None,
    waypoints: Annotated[Path | None, typer.Option(help="YAML: seconds, waypoints [{position, yaw, pitch}].")] = None,
    intrinsics: Annotated[
        Path | None,
        typer.Option(help="NPY (4,), (F,4), (3,3) or (F,3,3) in pixels of the image; else 60 degrees wide."),
    ] = None,
    workdir: Annotated[Path, typer.Option(help="Take the signed release of this workdir.")] = Path("runs/local"),
    bundle: Annotated[Path | None, typer.Option(help="Take this bundle directory instead.")] = None,
    mode: Annotated[GenerationMode, typer.Option(help="Chunk after chunk, or all frames together.")] = (
        GenerationMode.STREAMING
    ),
    steps: Annotated[int | None, typer.Option(min=1, max=1000, help="Denoising steps; else the checkpoint's.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same video.")] = 42,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object with all that determines the video.")
    ] = False,
) -> None:
    """Make one video. Exactly one of --action, --camera and --waypoints says where the camera goes."""
    path = _camera_path(PathOptions(action, camera, waypoints))
    import torch

    from infra.workdir import Workdir
    from model.generation.pipeline import GENERATION_THREADS, WorldPipeline
    from serving.readiness import verified_bundle

    directory = bundle if bundle is not None else verified_bundle(Workdir(workdir), None).directory
    torch.set_num_threads(GENERATION_THREADS)
    pipeline = WorldPipeline.load(directory)
    request = _request(pipeline, image, intrinsics, path)
    request = replace(request, prompt=prompt, seed=seed, mode=mode, steps=steps)
    record = _write(pipeline, request, output)
    typer.echo(record.model_dump_json() if json else _summary(record))


def _camera_path(options: PathOptions):  # noqa: ANN202 - an array, whose type would import NumPy at start-up
    given = [option for option in (options.action, options.camera, options.waypoints) if option is not None]
    if len(given) != 1:
        raise typer.BadParameter(f"give {ONE_PATH}, not {len(given)}")
    from model.generation.action_path import action_camera_path
    from model.generation.path_files import read_camera_file, read_waypoint_file

    if options.action is not None:
        return action_camera_path(options.action)
    if options.camera is not None:
        return read_camera_file(options.camera)
    return read_waypoint_file(Path(given[0]))


def _request(pipeline: "WorldPipeline", image: Path | None, intrinsics: Path | None, path) -> "GenerationRequest":  # noqa: ANN001
    import numpy as np

    from model.generation.first_frame import default_intrinsics
    from model.generation.path_files import read_intrinsics_file
    from model.generation.request import GenerationRequest

    pixels = None if image is None else _read_image(image)
    size = (pipeline.info.height, pipeline.info.width) if pixels is None else pixels.shape[:2]
    lenses = np.tile(default_intrinsics(size[0], size[1]), (len(path), 1))
    if intrinsics is not None:
        lenses = read_intrinsics_file(intrinsics, len(path))
    return GenerationRequest(pixels, "", path, lenses)


def _read_image(path: Path):  # noqa: ANN202 - as above
    import numpy as np
    from PIL import Image, ImageOps, UnidentifiedImageError

    from data_contracts.errors import ErrorCode, InputError

    try:
        with Image.open(path) as source:
            return np.asarray(ImageOps.exif_transpose(source).convert("RGB"))
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        message = f"--image {path}: {str(error).splitlines()[0]}"
        raise InputError(ErrorCode.MEDIA_INVALID, message, "pass one PNG, JPEG or WebP") from None


def _write(pipeline: "WorldPipeline", request: "GenerationRequest", output: Path) -> "GenerationRecord":
    """Write the video chunk by chunk under a progress bar; the file appears under its name from the first chunk on."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from data_contracts.generation import GenerationRecord
    from model.generation.pipeline import GENERATION_THREADS
    from serving.video import ProgressiveVideo

    columns = (
        TextColumn("frames"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TextColumn("{task.fields[realtime]:.2f}x realtime"),
        TimeRemainingColumn(),
    )
    fps, began = pipeline.info.fps, time.monotonic()
    output.parent.mkdir(parents=True, exist_ok=True)
    with Progress(*columns, console=Console(stderr=True)) as bar, ProgressiveVideo(output, fps) as video:
        task = bar.add_task("frames", total=request.raw_frames, realtime=0.0)
        made = 0
        for frames in pipeline.stream(request):
            video.append(frames)
            made += len(frames)
            bar.update(task, completed=made, realtime=made / fps / max(time.monotonic() - began, 1e-6))
    seconds = time.monotonic() - began
    return GenerationRecord(
        output=str(output),
        bundle=pipeline.card.id,
        version=pipeline.card.version,
        numerics=pipeline.card.numerics,
        request=request.digest(),
        prompt=request.prompt,
        mode=request.mode,
        seed=request.seed,
        steps=request.steps,
        threads=GENERATION_THREADS,
        raw_frames=made,
        fps=fps,
        height=pipeline.info.height,
        width=pipeline.info.width,
        seconds=round(seconds, 3),
        realtime=round(made / fps / max(seconds, 1e-6), 4),
    )


def _summary(record: "GenerationRecord") -> str:
    return (
        f"{record.output}: {record.raw_frames} frames of {record.width}x{record.height} at {record.fps:g} fps "
        f"in {record.seconds:.1f} s ({record.realtime:.2f}x realtime), "
        f"weights {record.version[:12]}, seed {record.seed}"
    )
