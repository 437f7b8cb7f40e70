"""Making the videos of ``wm generate``: progress, files that grow, records beside them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.files import write_record
from data_contracts.generation import GenerationRecord, ScoreRecord, WeightsRecord
from workflows.cli.generation_meter import Meter, metered

if TYPE_CHECKING:
    from model.generation.pipeline import Frames, WorldPipeline
    from model.generation.request import GenerationRequest


@dataclass(frozen=True)
class Job:
    """What all videos of one command share.

    Attributes:
        pipeline: loaded.
        weights: what it was loaded from.
        held: keys per frame for the overlay; None = no overlay.
        action: the action and its key map for the record, or None.
    """

    pipeline: "WorldPipeline"
    weights: WeightsRecord
    held: list[frozenset[str]] | None
    action: tuple[str, int] | None


def write_one(job: Job, request: "GenerationRequest", output: Path) -> GenerationRecord:
    """One video, written chunk by chunk: the file can be watched from the first chunk on."""
    from model.generation.ahead import run_ahead

    with metered(job.pipeline.info.fps) as meter:
        meter.start(output.name, job.pipeline.passes(request), request.raw_frames)

        def make(check: "Callable[[], None]") -> "Iterator[Frames]":
            return job.pipeline.stream(request, lambda: (check(), meter.passed())[0])

        return write_frames(job, request, run_ahead(make), (output, meter))


def write_frames(
    job: Job,
    request: "GenerationRequest",
    frames: "Iterator[Frames]",
    target: tuple[Path, Meter],
    score: ScoreRecord | None = None,
) -> GenerationRecord:
    """Write frames as they come, then the record beside the file; ``target`` is the file and what measures it."""
    from model.generation.overlay import draw_keys
    from serving.video import ProgressiveVideo

    output, meter = target
    made = 0
    output.parent.mkdir(parents=True, exist_ok=True)
    with ProgressiveVideo(output, job.pipeline.info.fps) as video:
        for chunk in frames:
            held = job.held and job.held[made : made + len(chunk)]
            video.append(draw_keys(chunk, held) if held else chunk)
            made += len(chunk)
            meter.made(len(chunk), request.raw_frames)
    record = _record(job, request, (output, meter.seconds), made, score)
    scratch = output.with_suffix(".json.partial")
    write_record(scratch, record)
    scratch.replace(output.with_suffix(".json"))
    return record


def _record(
    job: Job, request: "GenerationRequest", result: tuple[Path, float], made: int, score: ScoreRecord | None
) -> GenerationRecord:
    from model.generation.record import input_record, runtime_record, sampling_record

    info, (output, seconds) = job.pipeline.info, result
    return GenerationRecord(
        output=str(output),
        version=info.version,
        request=request.digest(),
        input=input_record(request, *(job.action or (None, None))),
        sampling=sampling_record(job.pipeline.plan(request)),
        refined=request.refine,
        overlay=job.held is not None,
        raw_frames=made,
        fps=info.fps,
        height=info.height,
        width=info.width,
        weights=job.weights,
        runtime=runtime_record(job.pipeline.placement),
        score=score,
        seconds=round(seconds, 3),
        realtime=round(made / info.fps / max(seconds, 1e-6), 4),
    )
