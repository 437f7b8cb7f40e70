"""A workdir's latents as archives of the authors' training layout."""

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import polars as pl

from data_contracts.errors import ErrorCode, InputError
from data_contracts.latents import CodecInfo, LatentRow
from data_contracts.training_layout import TrainingExport
from infra.stage import digest_file
from model.data.latent_writer import INDEX, read_index
from model.data.shards import read_clip
from tasks.latents.training_layout.layout import Payload, TrainingClip
from tasks.latents.training_layout.write import write_archive

RECORD, RAW, CACHE, CODEC = "export.json", "raw", "latents", "codec"
CLIPS_AN_ARCHIVE = 32  # a minute's latents are 54 MB, and an archive is put together in memory
CODEC_FILES = ("codec.json", "codec.safetensors")
# Kind of score -> metric and scorer whose number it is. Another scorer's number on another scale would pass the
# authors' filter for the wrong reason, so it is left out.
MEASURED = {
    "vmafmotion": ("vmaf_motion", "ffmpeg_vmafmotion", "vmafmotion_score"),
    "unimatch": ("flow", "unimatch", "unimatch_flow_score"),
    "dover": ("technical_quality", "dover", "dover_score"),
    "vlm_entity_filter": ("entities", "vlm", "entity_count"),
    "vlm_quality_filter": ("quality_flag", "vlm", "quality_pass"),
}


def export_latents(artifacts: Path, target: Path) -> TrainingExport:
    """Write every accepted clip of the latents artifact to ``target``; the same artifacts give the same bytes.

    ``raw/<source>_<split>_<number>.zip`` with its sidecars, ``latents/`` with zips of the same names, ``codec/`` with
    what decodes them, and ``export.json`` last. ``target`` is replaced as a whole.

    Args:
        artifacts: directory with one checkout an artifact.
        target: an empty or new directory, or an unchanged earlier export.

    Raises:
        InputError: no latents were made, or ``target`` holds something else.
    """
    source = artifacts / "latents"
    if not (source / INDEX).is_file():
        raise InputError(
            ErrorCode.INPUT_MISSING, f"{artifacts.parent.name!r} holds no latents", "run `wm run --until latents` first"
        )
    _check_replaceable(target)
    scratch = target.with_name(f".{target.name}.partial")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    rows = sorted(read_index(source / INDEX), key=_place)
    scores = _scores(artifacts / "filter_scores" / "scores.parquet")
    for stem, part in _archives(rows):
        clips = [_clip(source, row, scores.get(row.clip_id, {})) for row in part]
        write_archive(scratch / RAW, scratch / CACHE, stem, clips)
    (scratch / CODEC).mkdir()
    for name in CODEC_FILES:
        shutil.copyfile(source / name, scratch / CODEC / name)
    export = _record(scratch, rows, scores)
    (scratch / RECORD).write_text(export.model_dump_json(indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    scratch.replace(target)
    return export


def _check_replaceable(target: Path) -> None:
    """Nothing is deleted but what an export wrote, as it wrote it."""
    if target.exists() and not target.is_dir():
        raise InputError(ErrorCode.REQUEST_INVALID, f"--to {target} is a file", "pass a directory")
    present = _files(target)
    if not present:
        return
    written = _written(target / RECORD)
    foreign = sorted(name for name in present if name != RECORD and name not in written)
    changed = [name for name, digest in written.items() if name in present and digest_file(target / name) != digest]
    if foreign or changed or RECORD not in present:
        told = f"{foreign[0]!r}, which no export wrote" if foreign else f"{(changed or [RECORD])[0]!r}, changed since"
        raise InputError(
            ErrorCode.REQUEST_INVALID, f"--to {target} holds {told}", "pass a new directory, or an earlier export"
        )


def _written(record: Path) -> dict[str, str]:
    try:
        return TrainingExport.model_validate_json(record.read_bytes()).files
    except (FileNotFoundError, ValueError):
        return {}  # no export's record: every file there is foreign


def _archives(rows: Sequence[LatentRow]) -> Iterator[tuple[str, Sequence[LatentRow]]]:
    for (source, split), group in groupby(rows, key=lambda row: (row.source, row.split)):
        members = list(group)
        for start in range(0, len(members), CLIPS_AN_ARCHIVE):
            number = start // CLIPS_AN_ARCHIVE
            yield f"{source}_{split}_{number:04d}", members[start : start + CLIPS_AN_ARCHIVE]


def _clip(source: Path, row: LatentRow, scores: dict[str, Payload]) -> TrainingClip:
    tensors = read_clip(source, row.shard, row.clip_id)
    facts = row.model_dump(mode="json", exclude={"clip_id", "shard", "caption"})
    return TrainingClip(
        key=row.clip_id,
        metadata={"width": row.width, "height": row.height, "prompt": row.caption} | facts,
        latent=tensors.latent.numpy(),
        camera_to_world=tensors.camera_to_world.numpy(),
        intrinsics=tensors.intrinsics.numpy(),
        metric_scale=1.0,  # poses of the artifact are metres already
        scores=scores,
        caption={"prompt": row.caption},
    )


def _scores(path: Path) -> dict[str, dict[str, Payload]]:
    """Entries by clip and kind, of the scorers that the layout's files are named after."""
    table = pl.read_parquet(path).drop_nulls("value").filter(pl.col("clip_id") != "").sort("path")
    found: dict[str, dict[str, Payload]] = {}
    for kind, (metric, scorer, field) in MEASURED.items():
        mine = table.filter((pl.col("metric") == metric) & (pl.col("scorer") == scorer))
        for clip_id, value in mine.select("clip_id", "value").iter_rows():
            found.setdefault(clip_id, {})[kind] = {field: value}
    return found


def _record(scratch: Path, rows: Sequence[LatentRow], scores: dict[str, dict[str, Payload]]) -> TrainingExport:
    kinds = Counter(kind for row in rows for kind in scores.get(row.clip_id, {}))
    return TrainingExport(
        codec=CodecInfo.model_validate_json((scratch / CODEC / CODEC_FILES[0]).read_bytes()),
        clips=len(rows),
        scores={kind: kinds.get(kind, 0) for kind in MEASURED},
        files={name: digest_file(scratch / name) for name in _files(scratch)},
    )


def _files(directory: Path) -> list[str]:
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())


def _place(row: LatentRow) -> tuple[str, str, str]:
    return row.source, row.split, row.clip_id
