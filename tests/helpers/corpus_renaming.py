"""Renames every clip of a rendered corpus, so that no name can tell what was planted; each format stays valid."""

import csv
import json
from pathlib import Path

import numpy as np


def rename_corpus(root: Path, seed: int) -> dict[str, str]:
    """Rename in place; returns the clip path before -> after, for every clip and Gaussian scene."""
    rng = np.random.default_rng(seed)
    renamed = {}
    for source in (_plain, _miradata, _omniworld, _sekai_game, _dl3dv_gs):
        renamed |= source(root, rng)
    return renamed


def _name(rng: np.random.Generator, digits: int = 10) -> str:
    return rng.bytes(digits // 2).hex()


def _plain(root: Path, rng: np.random.Generator) -> dict[str, str]:
    renamed = {}
    for video in sorted((root / "plain").glob("*.mp4")):
        name = _name(rng)
        _move_with_sensor(video.with_suffix(""), video.with_name(name))
        for suffix in (".mp4", ".json"):
            if video.with_suffix(suffix).exists():
                video.with_suffix(suffix).rename(video.with_name(name + suffix))
        renamed[f"plain/{video.name}"] = f"plain/{name}.mp4"
    return renamed


def _miradata(root: Path, rng: np.random.Generator) -> dict[str, str]:
    folder, renamed = root / "miradata", {}
    rows = _rows(folder / "miradata_v1.csv")
    for row in rows:
        before = row["file_path"]
        after = f"videos/{_name(rng)}.mp4"
        (folder / before).rename(folder / after)
        _move_with_sensor((folder / before).with_suffix(""), (folder / after).with_suffix(""))
        row["file_path"], row["clip_id"] = after, f"{rng.integers(10**11):012d}.0"
        renamed[f"miradata/{before}"] = f"miradata/{after}"
    _write(folder / "miradata_v1.csv", rows)
    return renamed


def _omniworld(root: Path, rng: np.random.Generator) -> dict[str, str]:
    folder, renamed = root / "omniworld", {}
    rows = _rows(folder / "omniworld_metadata.csv")
    for row in rows:
        before, after = row["UID"], _name(rng, 12)
        (folder / before).rename(folder / after)
        _move_with_sensor(folder / before, folder / after)
        split = json.loads((folder / after / "split_info.json").read_text())
        (folder / after / "split_info.json").write_text(json.dumps(split | {"scene_name": after}))
        row |= {"UID": after, "Video Path": f"{after}/color", "Annotation Path": after}
        renamed[f"omniworld/{before}"] = f"omniworld/{after}"
    _write(folder / "omniworld_metadata.csv", rows)
    return renamed


def _sekai_game(root: Path, rng: np.random.Generator) -> dict[str, str]:
    """The walk before the frame numbers names the scene: clips of one walk keep one walk."""
    folder, renamed, walks = root / "sekai_game", {}, {}
    rows = _rows(folder / "sekai-game.csv")
    for row in rows:
        stem = row["videoFile"].removesuffix(".mp4")
        walk, *numbers = stem.rsplit("_", 2)
        walks.setdefault(walk, _name(rng))
        after = "_".join([walks[walk], *numbers])
        for suffix in (".mp4", ".npz"):
            (folder / f"{stem}{suffix}").rename(folder / f"{after}{suffix}")
        _move_with_sensor(folder / stem, folder / after)
        row |= {"videoFile": f"{after}.mp4", "cameraFile": f"{after}.npz"}
        renamed[f"sekai_game/{stem}.mp4"] = f"sekai_game/{after}.mp4"
    _write(folder / "sekai-game.csv", rows)
    return renamed


def _dl3dv_gs(root: Path, rng: np.random.Generator) -> dict[str, str]:
    folder, renamed = root / "dl3dv_gs", {}
    rows = _rows(folder / "DL3DV-valid.csv")
    for row in rows:
        before, after = row["hash"], _name(rng, 64)
        (folder / before).rename(folder / after)
        _move_with_sensor(folder / before, folder / after)
        row["hash"] = after
        renamed[f"dl3dv_gs/{before}"] = f"dl3dv_gs/{after}"
    _write(folder / "DL3DV-valid.csv", rows)
    return renamed


def _move_with_sensor(before: Path, after: Path) -> None:
    sensor = before.with_name(before.name + ".sensor_depth.npz")
    if sensor.exists():
        sensor.rename(after.with_name(after.name + ".sensor_depth.npz"))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
