"""``wm generate``: videos from a picture, words and a camera path."""

from pathlib import Path
from typing import Annotated

import typer

from data_contracts.generation import GenerationBatch, GenerationRecord
from data_contracts.weights import ProfileChoice
from data_contracts.wire import GenerationMode
from workflows.cli.generation_inputs import PathOptions, SceneOptions, read_path, read_size
from workflows.cli.generation_setup import PrecisionName, RunOptions, SourceOptions, open_job


def generate(  # noqa: PLR0913, PLR0917 - one parameter per option of the command
    prompt: Annotated[str, typer.Option(help="What the scene is; say nothing of how the camera moves.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="MP4 to write; it can be watched while it grows.")],
    image: Annotated[Path | None, typer.Option(help="First frame; without one the words alone decide.")] = None,
    action: Annotated[
        str | None, typer.Option(help="Keys and frames: w-40,wd-20,none-8 (w s walk, a d turn, i k pitch, j l strafe).")
    ] = None,
    key_map: Annotated[int, typer.Option(help="Of --action: 2, or 1 = the first release (j l turn, a d strafe).")] = 2,
    camera: Annotated[
        Path | None, typer.Option(help="NPY (F,4,4): OpenCV camera-to-world, meters; or a SANA-WM-Bench NPZ.")
    ] = None,
    waypoints: Annotated[Path | None, typer.Option(help="YAML: seconds, waypoints [{position, yaw, pitch}].")] = None,
    intrinsics: Annotated[
        Path | None,
        typer.Option(help="NPY (4,), (F,4), (3,3) or (F,3,3) in pixels of the image; else 60 degrees wide."),
    ] = None,
    frames: Annotated[
        int | None, typer.Option(min=1, help="Cut the path to about so many frames (8k+1; 24k+1 when streaming).")
    ] = None,
    workdir: Annotated[Path, typer.Option(help="Take the signed release of this workdir.")] = Path("runs/local"),
    bundle: Annotated[Path | None, typer.Option(help="Take this bundle directory instead.")] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Take this directory of a released checkpoint instead (docs/generate.md).")
    ] = None,
    parts: Annotated[
        list[Path] | None,
        typer.Option(help="With --checkpoint: another directory to look for VAE, text models and refiner in; repeat."),
    ] = None,
    numerics: Annotated[
        ProfileChoice | None, typer.Option(help="With --checkpoint: numeric profile; else that of its layout.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="HxW", help="With --checkpoint: pixels, multiples of 32; else 704x1280.")
    ] = None,
    mode: Annotated[
        GenerationMode | None,
        typer.Option(
            help="Chunk after chunk; all frames together; or the teacher's staggered chunks. "
            "Else streaming, or what the released checkpoint was trained for."
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, max=1000, help="Denoising steps; else the checkpoint's.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same video.")] = 42,
    refine: Annotated[
        bool | None, typer.Option("--refine/--no-refine", help="Run stage 2; else where the bundle holds a refiner.")
    ] = None,
    candidates: Annotated[int, typer.Option(min=1, max=64, help="Try so many seeds with stage 1 alone.")] = 1,
    keep: Annotated[int, typer.Option(min=1, help="Of the candidates, refine and write so many, best first.")] = 1,
    precision: Annotated[
        PrecisionName | None,
        typer.Option(help="Of the backbone; states stay fp32. Else fp32, but bf16 for a released one on a GPU."),
    ] = None,
    offload: Annotated[
        bool, typer.Option(help="Keep blocks in host memory, bring each to the GPU for its call.")
    ] = False,
    compiled: Annotated[
        bool,
        typer.Option("--compile", help="With --checkpoint: compile backbone, refiner and causal decoder first."),
    ] = False,
    preflight: Annotated[bool, typer.Option(help="Refuse, before loading, what does not fit the free memory.")] = True,
    overlay: Annotated[bool, typer.Option(help="Draw the keys of --action into the frames.")] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object with all that determines the video.")
    ] = False,
) -> None:
    """Make videos. Exactly one of --action, --camera and --waypoints says where the camera goes.

    OUT.json is written beside OUT.mp4 and holds everything that determines it.
    """
    if output.suffix.lower() != ".mp4":
        raise typer.BadParameter(f"--output is {output.name}, must end in .mp4")
    if keep > candidates:
        raise typer.BadParameter(f"--keep is {keep}, must be at most --candidates, {candidates}")
    if overlay and action is None:
        raise typer.BadParameter("--overlay draws the keys of --action; give one")
    if checkpoint is None and (parts or numerics or size or compiled):
        raise typer.BadParameter("--parts, --numerics, --size and --compile are for --checkpoint; give one")
    if checkpoint is not None and bundle is not None:
        raise typer.BadParameter("give --bundle or --checkpoint, not both")
    path = read_path(PathOptions(action, camera, waypoints, key_map))
    scene = SceneOptions(prompt, image, intrinsics, frames, mode, steps, seed)
    source = SourceOptions(
        workdir, bundle, checkpoint, tuple(parts or ()), numerics.value if numerics else None, read_size(size)
    )
    run = RunOptions(refine, precision, offload, preflight, overlay, compiled)
    job, request = open_job(path, scene, source, run)
    from workflows.cli.generation_run import write_one
    from workflows.cli.generation_search import write_best

    if candidates == 1:
        record = write_one(job, request, output)
        typer.echo(record.model_dump_json() if json else _summary(record))
        return
    records = write_best(job, request, output, (candidates, keep))
    typer.echo(GenerationBatch(videos=records).model_dump_json() if json else "\n".join(map(_summary, records)))


def _summary(record: GenerationRecord) -> str:
    line = (
        f"{record.output}: {record.raw_frames} frames of {record.width}x{record.height} at {record.fps:g} fps "
        f"in {record.seconds:.1f} s ({record.realtime:.2f}x realtime), "
        f"weights {record.version[:12]}, seed {record.input.seed}"
    )
    return line if record.score is None else f"{line}, score {record.score.total:.3f} ({record.score.rank})"
