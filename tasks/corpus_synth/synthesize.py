"""Writes a whole corpus: plan, render in parallel, indexes, truth. Appears whole or not at all."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from data_contracts.errors import ErrorCode, InputError
from data_contracts.truth import ClipTruth, CorpusTruth
from infra.stage import ProgressSink, SilentProgress
from infra.worker_pool import worker_pool
from tasks.corpus_synth.kinds import Source
from tasks.corpus_synth.plan import ClipSpec, plan_corpus
from tasks.corpus_synth.render import fitting_scene, ground_truth, render_clip
from tasks.corpus_synth.writers import dl3dv_gs, miradata, omniworld, plain, sekai_game
from tasks.corpus_synth.writers.common import WrittenClip

WRITERS = {
    Source.PLAIN: plain.write_clip,
    Source.MIRADATA: miradata.write_clip,
    Source.OMNIWORLD: omniworld.write_clip,
    Source.SEKAI_GAME: sekai_game.write_clip,
}
DESCRIPTORS = (
    plain.DESCRIPTOR,
    miradata.DESCRIPTOR,
    omniworld.DESCRIPTOR,
    sekai_game.DESCRIPTOR,
    dl3dv_gs.DESCRIPTOR,
)


@dataclass(frozen=True)
class Batch:
    """Work of one process: the clips of one scene, or one Gaussian scene."""

    root: Path
    seed: int
    clips: tuple[ClipSpec, ...] = ()
    gaussians: dl3dv_gs.SceneSpec | None = None


def synthesize(
    out: Path, clips: int = 48, seed: int = 0, workers: int = 1, progress: ProgressSink | None = None
) -> CorpusTruth:
    """Render a corpus into ``out`` (``docs/sources.md`` and ``tasks/corpus_synth/README.md`` say what lies there).

    Args:
        out: a directory that does not exist or is empty; it appears when everything is written.
        clips: video clips, planted ones included; Gaussian scenes come on top.
        seed: the same number of clips and seed give the same bytes, whatever the number of workers.
        workers: processes.
        progress: where to report.

    Returns:
        What ``truth.json`` holds.

    Raises:
        InputError: too few clips, or ``out`` holds something already.
    """
    specs = plan_corpus(clips, seed)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(
            ErrorCode.REQUEST_INVALID,
            f"out = {out} is not an empty directory",
            "name a directory that does not exist yet, or empty this one",
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        truth = _write_corpus(scratch, specs, dl3dv_gs.plan_scenes(clips), seed, workers, progress or SilentProgress())
        scratch.chmod(0o755)
        scratch.replace(out)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return truth


def _write_corpus(
    root: Path,
    specs: Sequence[ClipSpec],
    scenes: Sequence[dl3dv_gs.SceneSpec],
    seed: int,
    workers: int,
    progress: ProgressSink,
) -> CorpusTruth:
    for descriptor in DESCRIPTORS:
        descriptor.write(root / descriptor.name)
    (root / "ground_truth").mkdir()
    batches = [Batch(root, seed, clips=group) for group in _by_scene(specs)]
    batches += [Batch(root, seed, gaussians=scene) for scene in scenes]
    progress.start("synth", len(batches))
    results = _run(batches, workers, progress)
    written: dict[ClipSpec, WrittenClip] = {}
    for batch, result in zip(batches, results, strict=True):
        written.update(zip(batch.clips, result, strict=False))
    for spec in specs:
        if spec.copy_of >= 0:
            written[spec] = plain.write_copy(spec, root / "plain")
    gaussians = [result[0] for batch, result in zip(batches, results, strict=True) if batch.gaussians]
    _write_indexes(root, specs, written, gaussians)
    truth = CorpusTruth(clips=[_truth(spec, written[spec]) for spec in specs])
    (root / "truth.json").write_text(truth.model_dump_json(indent=2) + "\n")
    return truth


def _write_indexes(
    root: Path, specs: Sequence[ClipSpec], written: dict[ClipSpec, WrittenClip], gaussians: Sequence[WrittenClip]
) -> None:
    for source, writer in (
        (Source.MIRADATA, miradata.write_index),
        (Source.OMNIWORLD, omniworld.write_index),
        (Source.SEKAI_GAME, sekai_game.write_index),
    ):
        writer([written[spec] for spec in specs if spec.source is source], root / source.value)
    dl3dv_gs.write_index(gaussians, root / "dl3dv_gs")


def _by_scene(specs: Sequence[ClipSpec]) -> list[tuple[ClipSpec, ...]]:
    """Clips that share a scene, together, so that it is built once; copies are no work."""

    def key(spec: ClipSpec) -> tuple[str, int]:
        return spec.source.value, spec.scene_number

    rendered = sorted((spec for spec in specs if spec.copy_of < 0), key=key)
    return [tuple(group) for _, group in groupby(rendered, key)]


def _truth(spec: ClipSpec, written: WrittenClip) -> ClipTruth:
    planting = spec.planting
    return ClipTruth(
        path=written.path,
        source=spec.source.value,
        kind=planting.kind.value,
        expected_status=planting.status,
        expected_rule=planting.rule,
        may_also=list(planting.may_also),
    )


def _run(batches: Sequence[Batch], workers: int, progress: ProgressSink) -> list[list[WrittenClip]]:
    """Results in the order of the batches, whatever finishes first."""
    if workers <= 1:
        return [_advanced(work_batch, batch, progress) for batch in batches]
    with worker_pool(workers, ("numpy", "cv2", "scipy.spatial.transform", "av")) as pool:
        futures = [pool.submit(work_batch, batch) for batch in batches]
        for future in as_completed(futures):
            future.result()
            progress.advance()
    return [future.result() for future in futures]


def _advanced(work: Callable[[Batch], list[WrittenClip]], batch: Batch, progress: ProgressSink) -> list[WrittenClip]:
    result = work(batch)
    progress.advance()
    return result


def work_batch(batch: Batch) -> list[WrittenClip]:
    """Render and write one batch; runs in a worker process."""
    if batch.gaussians is not None:
        return [dl3dv_gs.write_scene(batch.gaussians, batch.seed, batch.root / "dl3dv_gs")]
    scene = fitting_scene(batch.clips, batch.seed)
    written = []
    for spec in batch.clips:
        clip = render_clip(spec, scene, batch.seed)
        result = WRITERS[spec.source](clip, batch.root / spec.source.value)
        name = result.path.replace("/", "__")
        arrays = ground_truth(clip.track, spec.fps, result.metres_per_unit)
        np.savez(batch.root / "ground_truth" / f"{name}.npz", allow_pickle=False, **arrays)
        written.append(result)
    return written
