"""OmniWorld-Game: frames and 16-bit depth as images, cameras by split, all in game units: mode ``gt_depth``."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float32

from data_contracts.errors import ErrorCode, InputError
from tasks.ingest.item import ImageSequence, NativeCameras, SourceFolder, SourceItem
from tasks.ingest.readers.index_file import inside, read_rows
from tasks.ingest.readers.sensor_depth import beside
from tasks.vision.video import MediaError, MediaProblem

INDEX = "omniworld_metadata.csv"
NEAR, FAR = 0.0015, 65500 / 65535  # outside: no depth


class OmniWorldReader:
    """Poses exist inside a split only, so a clip is one split."""

    def list_items(self, folder: SourceFolder) -> list[SourceItem]:
        """One input a split, scenes in the index's order."""
        rows = read_rows(folder.root / INDEX, ("UID", "Video Path", "Annotation Path", "FPS"))
        return [item for row in rows for item in self._scene(folder, row)]

    def cameras(self, item: SourceItem, size: tuple[int, int]) -> NativeCameras:  # noqa: ARG002
        """World-to-camera quaternions (w x y z) and translations, inverted; pixel centres moved to integers."""
        if not item.annotations:
            return NativeCameras()
        camera = _json(item.annotations[0])
        try:
            quaternions = np.asarray(camera["quats"], dtype=np.float64).reshape(-1, 4)
            translations = np.asarray(camera["trans"], dtype=np.float64).reshape(-1, 3)
            focals = np.asarray(camera["focals"], dtype=np.float64).reshape(-1)
            centre = float(camera["cx"]) - 0.5, float(camera["cy"]) - 0.5
        except (KeyError, TypeError, ValueError) as error:
            raise MediaError(MediaProblem.CORRUPT, f"annotation {item.annotations[0].name}: {error}") from error
        rows = min(len(quaternions), len(translations))
        poses = _camera_to_world(quaternions[:rows], translations[:rows])
        ones = np.ones(len(focals))
        return NativeCameras(poses, np.stack([focals, focals, centre[0] * ones, centre[1] * ones], axis=1))

    def depth(self, item: SourceItem, native_index: int) -> Float32[np.ndarray, "height width"] | None:
        """z-depth in game units: d = v / 65535, d / (1000 - 999 d) / 0.004."""
        files = item.annotations[1:]
        if not files:
            return None
        stored = cv2.imread(str(files[native_index]), cv2.IMREAD_UNCHANGED)
        if stored is None or stored.ndim != 2:
            raise MediaError(MediaProblem.CORRUPT, f"depth {files[native_index].name} cannot be read")
        ratio = stored.astype(np.float64) / 65535
        depth = ratio / (1000 - 999 * ratio) / 0.004
        return np.where((ratio < NEAR) | (ratio > FAR), 0, depth).astype(np.float32)

    def _scene(self, folder: SourceFolder, row: dict[str, str]) -> list[SourceItem]:
        scene = inside(folder.root, row["Annotation Path"], INDEX)
        color = inside(folder.root, row["Video Path"], INDEX)
        splits = _splits(scene / "split_info.json", color)
        rate = _rate(row["FPS"])
        return [
            self._split(folder, row, (scene, color), number, ids, rate, len(splits) == 1)
            for number, ids in enumerate(splits)
        ]

    def _split(
        self,
        folder: SourceFolder,
        row: dict[str, str],
        places: tuple[Path, Path],
        number: int,
        ids: list[int],
        rate: float,
        single: bool,
    ) -> SourceItem:
        scene, color = places
        uid = row["UID"]
        camera = scene / "camera" / f"split_{number}.json"
        depth = [scene / "depth" / f"{index:06d}.png" for index in ids]
        shipped = camera.is_file() and all(path.is_file() for path in depth)
        return SourceItem(
            path=folder.path_of(uid if single else f"{uid}#{number}"),
            format=folder.descriptor.format,
            media=ImageSequence(tuple(color / f"{index:06d}.png" for index in ids), tuple(ids), rate),
            scene=uid,
            source_video=uid,
            licence=row.get("licence", ""),
            caption=row.get("caption", ""),
            annotations=(camera, *depth) if shipped else (camera,) if camera.is_file() else (),
            sensor_depth=beside(scene),
        )


def _splits(path: Path, color: Path) -> list[list[int]]:
    """Frame ids by split; without ``split_info.json`` all colour frames are one split."""
    if not path.is_file():
        return [sorted(int(image.stem) for image in color.glob("*.png") if image.stem.isdigit())]
    try:
        return [[int(index) for index in ids] for ids in json.loads(path.read_text("utf-8"))["split"]]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            ErrorCode.CORPUS_UNREADABLE,
            f"{path.parent.name}/{path.name}: {error}",
            'it holds {"split": [[frame ids], ...]}, see docs/sources.md',
        ) from error


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < 1000:
        raise InputError(
            ErrorCode.CORPUS_UNREADABLE, f"{INDEX}: FPS {text!r} is not a frame rate", "give frames per second, as 24"
        )
    return rate


def _json(path: Path) -> dict[str, Any]:  # JSON values
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise MediaError(MediaProblem.CORRUPT, f"annotation {path.name} is not JSON") from error


def _camera_to_world(quaternions: np.ndarray, translations: np.ndarray) -> np.ndarray:
    """Invert world-to-camera poses given as (w x y z) and translation; rows that are not finite stay not finite."""
    w, x, y, z = (quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True)).T
    rotation = np.stack(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    ).transpose(2, 0, 1)
    poses = np.tile(np.eye(4), (len(quaternions), 1, 1))
    poses[:, :3, :3] = rotation.transpose(0, 2, 1)
    poses[:, :3, 3] = -np.einsum("fji,fj->fi", rotation, translations)
    return poses
