"""The ``splat`` stage: videos along new paths through Gaussian scenes (App. B.2)."""

from collections.abc import Sequence

from data_contracts.clip import ClipRow, ClipStatus, ItemKind
from data_contracts.quality import ScoreRow
from data_contracts.report import StageSummary
from data_contracts.splat import TrajectoryFate, TrajectoryRow
from infra.stage import ClipJob, ClipResult, StageContext, copy_files, map_clips
from tasks.splat.config import SplatConfig
from tasks.splat.plan import SceneItem, plan_scene, read_path
from tasks.splat.render_clip import ClipItem, render_clip
from tasks.vision.tables import read_table, write_table

SCORER = "splat_render"
SCORER_VERSION = "1"


def run_splat(context: StageContext[SplatConfig]) -> StageSummary:
    """Fill the ``splat`` artifact; a corpus without Gaussian scenes leaves empty tables."""
    listed = read_table(context.inputs["ingest"] / "clips.parquet", ClipRow)
    scenes = _usable_scenes(listed)
    plans = map_clips(context, [_plan_job(context, scene) for scene in scenes], plan_scene)
    planned = [
        (scene, plan, TrajectoryRow.model_validate(row))
        for scene, plan in zip(scenes, plans, strict=True)
        for row in plan.record
    ]
    passed = [entry for entry in planned if entry[2].fate is TrajectoryFate.RENDERED]
    results = map_clips(context, [_render_job(context, *entry) for entry in passed], render_clip)
    rendered = {result.name: result for result in results}
    rows = [_with_result(row, rendered.get(_clip_path(scene, row))) for scene, _, row in planned]
    clips = [_clip_row(context.config, entry[0], entry[2], rendered) for entry in passed]
    _write(context, rows, [clip for clip in clips if clip], results)
    return _summary(scenes, rows)


def _usable_scenes(listed: Sequence[ClipRow]) -> list[ClipRow]:
    """Each scene once, in path order: exact duplicates share their clip id and their files."""
    first: dict[str, ClipRow] = {}
    for row in sorted(listed, key=lambda row: row.path):
        if row.kind is ItemKind.SPLAT_SCENE and row.status is ClipStatus.READY:
            first.setdefault(row.clip_id, row)
    return list(first.values())


def _plan_job(context: StageContext[SplatConfig], scene: ClipRow) -> ClipJob[SceneItem]:
    folder = context.inputs["ingest"] / "scenes"
    item = SceneItem(
        scene_path=scene.path,
        media_digest=scene.media_digest,
        ply=folder / f"{scene.clip_id}.ply",
        views=folder / f"{scene.clip_id}.safetensors",
        config=context.config,
    )
    return ClipJob(scene.path, {"step": "plan", "path": scene.path, **_digests(scene)}, item)


def _render_job(
    context: StageContext[SplatConfig], scene: ClipRow, plan: ClipResult, row: TrajectoryRow
) -> ClipJob[ClipItem]:
    camera_to_world, intrinsics = read_path(plan.directory, row.name)
    ply = context.inputs["ingest"] / "scenes" / f"{scene.clip_id}.ply"
    item = ClipItem(ply, row.metres_per_unit, camera_to_world, intrinsics, context.config)
    return ClipJob(_clip_path(scene, row), {"step": "render", "name": row.name, **_digests(scene)}, item)


def _digests(scene: ClipRow) -> dict[str, str]:
    return {"media": scene.media_digest, "annotations": scene.annotation_digest}


def _clip_path(scene: ClipRow, row: TrajectoryRow) -> str:
    return f"{scene.path}#{row.name}"


def _with_result(row: TrajectoryRow, result: ClipResult | None) -> TrajectoryRow:
    """The row of a path after rendering."""
    if result is None:
        return row
    near_blank = result.record["near_blank"]
    if "clip_id" in result.record:
        return row.model_copy(update={"near_blank_frames": near_blank, "clip_id": result.record["clip_id"]})
    detail = f"{near_blank:.0%} of the frames are near blank"
    update = {"near_blank_frames": near_blank, "fate": TrajectoryFate.NEAR_BLANK, "detail": detail}
    return row.model_copy(update=update)


def _clip_row(
    config: SplatConfig, scene: ClipRow, row: TrajectoryRow, rendered: dict[str, ClipResult]
) -> ClipRow | None:
    record = rendered[_clip_path(scene, row)].record
    if "clip_id" not in record:
        return None
    return ClipRow(
        path=_clip_path(scene, row),
        source=scene.source,
        clip_id=record["clip_id"],
        media_digest=record["media_digest"],
        annotation_digest=record["pose_digest"],
        raw_frames=config.frames,
        fps=config.fps,
        height=config.height,
        width=config.width,
        source_video_id=scene.source_video_id,
        scene_id=scene.scene_id,
        split=scene.split,
        licence=scene.licence,
        pose_mode=scene.pose_mode,
    )


def _write(
    context: StageContext[SplatConfig],
    rows: Sequence[TrajectoryRow],
    clips: Sequence[ClipRow],
    results: Sequence[ClipResult],
) -> None:
    output = context.outputs["splat"]
    for folder in ("media", "poses", "thumbnails"):
        (output / folder).mkdir()
    copy_files([result for result in results if "clip_id" in result.record], output)
    write_table(output / "clips.parquet", clips, ClipRow)
    write_table(output / "trajectories.parquet", rows, TrajectoryRow)
    records = {result.name: result.record for result in results}
    scores = [score for clip in clips for score in _scores(context.config, clip, records[clip.path])]
    write_table(output / "scores.parquet", scores, ScoreRow)


def _scores(config: SplatConfig, clip: ClipRow, record: dict[str, float]) -> list[ScoreRow]:
    """What rendering knows of a clip: its black share at the start, and its near-blank frames."""
    resolution = f"{config.height}x{config.width}@{config.fps:g}"
    measured = {"first_frame_black": record["first_frame_black"], "near_blank": record["near_blank"]}
    return [
        ScoreRow(
            clip_id=clip.clip_id,
            path=clip.path,
            metric=metric,
            scorer=SCORER,
            scorer_version=SCORER_VERSION,
            resolution=resolution,
            value=value,
            worst_frame=0 if metric == "first_frame_black" else -1,
        )
        for metric, value in measured.items()
    ]


def _summary(scenes: Sequence[ClipRow], rows: Sequence[TrajectoryRow]) -> StageSummary:
    rendered = sum(row.fate is TrajectoryFate.RENDERED for row in rows)
    note = "" if scenes else "the corpus holds no Gaussian scenes"
    metrics = {"splat.scenes": len(scenes), "splat.candidates": sum(bool(row.name) for row in rows)}
    return StageSummary(
        items=rendered,
        note=note,
        metrics={name: float(value) for name, value in metrics.items()} | {"splat.clips": float(rendered)},
    )
