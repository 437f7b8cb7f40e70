"""``wm weights probe-profile``: which numeric profile fits a checkpoint, asked of real clips."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_contracts.weights import ProfileChoice, WeightsLayout
from workflows.cli.options import Json

if TYPE_CHECKING:
    from data_contracts.weights import ProbeReport
    from model.checkpoints import OpenCheckpoint
    from model.probe import Probe
    from model.training.example import Example


def probe_profile(
    checkpoint: Annotated[Path, typer.Argument(help="A weights file, or the directory of a checkpoint or bundle.")],
    clips: Annotated[
        Path,
        typer.Argument(
            help="A latents artifact; or, for a bundle, a folder of NAME.mp4 with NAME.camera.npy (F,4,4), "
            "NAME.intrinsics.npy and NAME.txt."
        ),
    ],
    layout: Annotated[WeightsLayout | None, typer.Option(help="What it must be [default: found out].")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Clips to read.")] = 8,
    levels: Annotated[int, typer.Option(min=1, max=100, help="Noise levels per clip.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Of the noise.")] = 0,
    json: Json = False,
) -> None:
    """Print the flow-matching loss of real clips under each numeric profile, and recommend one.

    A student runs chunk after chunk at its own noise levels, a teacher by chunks, all others over all frames together.
    """
    from model.checkpoints import locate, open_checkpoint
    from model.probe import Probe, ProbeMode
    from model.probe_clips import check_clips
    from workflows.cli.weights_tables import reading, show_probe

    opened = open_checkpoint(locate(checkpoint, layout))
    examples = _examples(checkpoint, clips, limit, opened.config.camera_branch)
    check_clips(examples, opened.config)
    mode = ProbeMode.STREAMING if opened.sigmas else ProbeMode.TEACHER if opened.chunk_frames else None
    probe = Probe(mode or ProbeMode.BIDIRECTIONAL, opened.chunk_frames, opened.sigmas, levels, seed)
    with reading(quiet=json) as tick:
        report = _measured(probe, opened, examples, tick)
    if json:
        typer.echo(report.model_dump_json())
    else:
        show_probe(report)


def _measured(
    probe: "Probe", opened: "OpenCheckpoint", clips: "list[Example]", tick: Callable[[str], None]
) -> "ProbeReport":
    import torch

    from data_contracts.weights import ProbeReport
    from model.config import numerics_named
    from model.probe import compare, not_applicable, recommend, run_under

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model, moved = opened.model().to(device), [clip.to(device) for clip in clips]
    losses: dict[str, list[float]] = {}
    left_out: dict[str, str] = {}
    for name in ProfileChoice:
        numerics = numerics_named(name.value)
        if why := not_applicable(probe.mode, numerics):
            left_out[name.value] = why
            continue
        losses[name.value] = probe.losses(run_under(model, numerics), moved, partial(tick, f"under {name.value}"))
    ranked = compare(losses)
    recommended, reason = recommend(ranked, opened.numerics)
    return ProbeReport(
        checkpoint=str(opened.files.weights[0]),
        clips=len(clips),
        cases=len(losses[recommended]),
        mode=probe.mode.value,
        losses=ranked,
        not_applicable=left_out,
        recommended=recommended,
        reason=reason,
    )


def _examples(checkpoint: Path, clips: Path, limit: int, with_camera: bool) -> "list[Example]":
    from data_contracts.errors import ErrorCode, InputError
    from model.probe_clips import clips_of_artifact

    if (clips / "index.parquet").is_file():
        return clips_of_artifact(clips, limit, with_camera)
    videos = sorted(clips.glob("*.mp4"))[:limit]
    if not videos:
        message = f"{clips} holds neither index.parquet nor *.mp4"
        raise InputError(ErrorCode.INPUT_MISSING, message, "see `wm weights probe-profile --help`")
    return [_encoded(video, checkpoint) for video in videos]


def _encoded(video: Path, bundle: Path) -> "Example":
    """One clip, cut to 8k+1 frames and prepared to sides that are multiples of 32."""
    from model.codecs.store import load_codec, load_text_encoder
    from model.generation.path_files import read_camera_file, read_intrinsics_file
    from model.probe_clips import encoded_clip
    from tasks.vision.video import read_video

    frames = read_video(video).frames
    poses = read_camera_file(video.with_suffix(".camera.npy"))
    count = (min(len(frames), len(poses)) - 1) // 8 * 8 + 1
    height, width = (side // 32 * 32 for side in frames.shape[1:3])
    intrinsics = read_intrinsics_file(video.with_suffix(".intrinsics.npy"), len(poses))
    top, left = (frames.shape[1] - height) // 2, (frames.shape[2] - width) // 2
    intrinsics[:, 2:] -= (left, top)
    caption = video.with_suffix(".txt")
    return encoded_clip(
        frames[:count, top : top + height, left : left + width],
        poses[:count],
        intrinsics[:count],
        caption.read_text().strip() if caption.is_file() else "",
        (load_codec(bundle), load_text_encoder(bundle)),
    )
