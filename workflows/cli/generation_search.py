"""``wm generate --candidates``: many seeds through stage 1, the best few through stage 2."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.generation import GenerationRecord, ScoreRecord
from workflows.cli.generation_meter import Meter, metered
from workflows.cli.generation_run import Job, write_frames

if TYPE_CHECKING:
    from torch import Tensor

    from data_contracts.errors import OperationError
    from model.generation.pipeline import WorldPipeline
    from model.generation.request import GenerationRequest
    from model.generation.scoring import CandidateScore


def write_best(job: Job, request: "GenerationRequest", output: Path, search: tuple[int, int]) -> list[GenerationRecord]:
    """Stage 1 of ``search[0]`` seeds, scored; only the ``search[1]`` best are refined and written, best first.

    A candidate that is black or not finite is dropped.

    Raises:
        OperationError: all candidates are.
    """
    from model.generation.scoring import best

    pipeline, (count, keep), candidates = job.pipeline, search, {}
    with metered(pipeline.info.fps) as meter:
        for seed in range(request.seed, request.seed + count):
            candidates[seed] = _candidate(pipeline, replace(request, seed=seed, refine=False), meter)
        scores = [score for _, score in candidates.values() if not score.black]
        if not scores:
            raise _unusable(count)
        records = []
        for rank, score in enumerate(best(scores, min(keep, len(scores))), start=1):
            chosen = replace(request, seed=score.seed)
            path = output if keep == 1 else output.with_stem(f"{output.stem}_{rank}")
            meter.start(path.name, pipeline.passes(chosen) - pipeline.plan(chosen).passes, request.raw_frames)
            frames = pipeline.finish(candidates[score.seed][0], chosen, meter.passed)
            records.append(write_frames(job, chosen, frames, (path, meter), _score(score, rank, count)))
    return records


def _candidate(
    pipeline: "WorldPipeline", request: "GenerationRequest", meter: Meter
) -> tuple[list["Tensor"], "CandidateScore"]:
    """Stage-1 latents on the CPU, and the score of what they decode to."""
    import numpy as np

    from data_contracts.errors import ErrorCode, OperationError
    from model.generation.scoring import CandidateScore, score_video

    meter.start(f"seed {request.seed}", pipeline.passes(request), request.raw_frames)
    try:
        latents = [chunk.cpu() for chunk in pipeline.coarse(request, meter.passed)]
        frames = np.concatenate(list(pipeline.finish(latents, request)))
    except OperationError as error:
        if error.code is not ErrorCode.OUTPUT_UNUSABLE:
            raise
        return [], CandidateScore(request.seed, 0.0, 0.0, 0.0, black=True)
    meter.made(len(frames), request.raw_frames)
    return latents, score_video(frames, request.seed)


def _unusable(count: int) -> "OperationError":
    from data_contracts.errors import ErrorCode, OperationError

    return OperationError(
        ErrorCode.OUTPUT_UNUSABLE,
        f"all {count} candidates are black or not finite",
        "run again with --precision fp32, or with another prompt",
    )


def _score(score: "CandidateScore", rank: int, candidates: int) -> ScoreRecord:
    return ScoreRecord(
        rank=rank,
        candidates=candidates,
        total=round(score.total, 6),
        sharpness=round(score.sharpness, 6),
        steadiness=round(score.steadiness, 6),
        continuity=round(score.continuity, 6),
    )
