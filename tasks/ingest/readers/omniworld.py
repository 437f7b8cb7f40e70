"""OmniWorld-Game: frames and 16-bit depth as images, cameras by split, all in game units: mode ``gt_depth``."""

from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
from annotated_types import Ge, Len
from jaxtyping import Float32, Int64

from data_contracts.plausible import FOCAL_PIXELS, FRAME_RATE, GAME_DEPTH
from data_contracts.source_fault import FaultRule
from tasks.ingest.fault import SourceFault, SourceFaultError
from tasks.ingest.item import ImageSequence, NativeCameras, SourceFolder, SourceItem
from tasks.ingest.readers.index_file import Index, IndexRow, inside
from tasks.ingest.readers.json_file import SidecarRecord, read_json
from tasks.ingest.readers.listing import list_rows
from tasks.ingest.readers.plausibility import LensPlace, Place, check_lens, check_quaternions, check_value
from tasks.ingest.readers.sensor_depth import beside

INDEX = Index("omniworld_metadata.csv", ("UID", "Video Path", "Annotation Path", "FPS"), "UID", ("licence", "caption"))
NEAR, FAR = 0.0015, 65500 / 65535  # outside: no depth
LENS = ("field focals", "field focals", "field cx", "field cy")
SPLIT_FIX = 'it holds {"split": [[frame ids], ...]}, see docs/sources.md'
CAMERA_FIX = "it holds focals, cx, cy, quats (w x y z) and trans, a row a frame, see docs/sources.md"


class SplitInfo(SidecarRecord):
    """``split_info.json``: frame ids by split."""

    split: list[list[Annotated[int, Ge(0)]]]


class SplitCamera(SidecarRecord):
    """``camera/split_<k>.json``: pixels with centres at +0.5, world to camera in game units, a row a frame."""

    focals: list[float]
    cx: float
    cy: float
    quats: list[Annotated[list[float], Len(4, 4)]]
    trans: list[Annotated[list[float], Len(3, 3)]]


class OmniWorldReader:
    """Poses exist inside a split only, so a clip is one split."""

    def list_items(self, folder: SourceFolder) -> list[SourceItem]:
        """One input a split, scenes in the index's order."""
        return list_rows(folder, INDEX, self._scene)

    def cameras(self, item: SourceItem, size: tuple[int, int]) -> NativeCameras:
        """World-to-camera quaternions (w x y z) and translations, inverted; pixel centres moved to integers.

        Raises:
            SourceFaultError: the split's camera file cannot be read, or holds other numbers than stated.
        """
        if not item.annotations:
            return NativeCameras()
        file = item.name_of(item.annotations[0])
        camera = read_json(item.annotations[0], file, SplitCamera, CAMERA_FIX)
        rows = len(camera.quats)
        for name, values in (("trans", camera.trans), ("focals", camera.focals)):
            if len(values) != rows:
                found, expected = f"{len(values)} rows", f"{rows} as of quats, one a frame"
                raise SourceFaultError(
                    SourceFault(FaultRule.SIDECAR, file, f"field {name}", found, expected, CAMERA_FIX)
                )
        quaternions = np.asarray(camera.quats, dtype=np.float64).reshape(-1, 4)
        check_quaternions(quaternions, file, "field quats")
        focals = np.asarray(camera.focals, dtype=np.float64)
        centers = np.broadcast_to((camera.cx, camera.cy), (rows, 2))
        lens = np.concatenate([focals[:, None], focals[:, None], centers], axis=1)
        height, width = size
        check_lens(lens, (width, height), FOCAL_PIXELS, LensPlace(file, LENS))
        translations = np.asarray(camera.trans, dtype=np.float64).reshape(-1, 3)
        return NativeCameras(_camera_to_world(quaternions, translations), lens - (0, 0, 0.5, 0.5))

    def depth(
        self, item: SourceItem, native: Int64[np.ndarray, " frames"]
    ) -> Float32[np.ndarray, "frames height width"] | None:
        """z-depth in game units: d = v / 65535, d / (1000 - 999 d) / 0.004.

        Raises:
            SourceFaultError: a picture is missing or no 16-bit one, or the median is not in game units.
        """
        files = item.annotations[1:]
        if not files:
            return None
        maps = np.stack([_depth(files[index], item.name_of(files[index])) for index in native])
        seen = maps[maps > 0]
        if seen.size:
            folder = item.name_of(files[0].parent)
            check_value(float(np.median(seen)), GAME_DEPTH, Place(f"{folder}/*.png", "all depth"))
        return maps

    def _scene(self, folder: SourceFolder, row: IndexRow) -> list[SourceItem]:
        row.text("UID")
        scene = inside(folder.root, row, "Annotation Path")
        color = inside(folder.root, row, "Video Path")
        rate = row.number("FPS", FRAME_RATE)
        splits = _splits(scene / "split_info.json", color, folder)
        return [
            self._split(folder, row, (scene, color), number, ids, rate, len(splits) == 1)
            for number, ids in enumerate(splits)
        ]

    def _split(
        self,
        folder: SourceFolder,
        row: IndexRow,
        places: tuple[Path, Path],
        number: int,
        ids: list[int],
        rate: float,
        single: bool,
    ) -> SourceItem:
        scene, color = places
        uid = row.cells["UID"]
        camera = scene / "camera" / f"split_{number}.json"
        depth = [scene / "depth" / f"{index:06d}.png" for index in ids]
        has_depth = bool(depth) and depth[0].parent.is_dir()
        return SourceItem(
            path=folder.path_of(uid if single else f"{uid}#{number}"),
            format=folder.descriptor.format,
            media=ImageSequence(tuple(color / f"{index:06d}.png" for index in ids), tuple(ids), rate),
            scene=uid,
            source_video=uid,
            licence=row.cells.get("licence", ""),
            caption=row.cells.get("caption", ""),
            annotations=(camera, *(depth if has_depth else ())) if camera.parent.is_dir() else (),
            sensor_depth=beside(scene),
            root=folder.root,
        )


def _splits(path: Path, color: Path, folder: SourceFolder) -> list[list[int]]:
    """Frame ids by split; without ``split_info.json`` all colour frames are one split."""
    if not path.is_file():
        return [sorted(int(image.stem) for image in color.glob("*.png") if image.stem.isdigit())]
    return read_json(path, path.relative_to(folder.root).as_posix(), SplitInfo, SPLIT_FIX).split


def _depth(path: Path, file: str) -> np.ndarray:
    """One 16-bit picture in game units, 0 = none."""
    stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
    if stored is None or stored.ndim != 2 or stored.dtype != np.uint16:
        if stored is None:
            found = "a file that does not decode" if path.is_file() else "no such file"
        else:
            found = f"{stored.dtype} of shape {stored.shape}"
        fix = "write a 16-bit PNG of one channel for every frame of the split"
        raise SourceFaultError(SourceFault(FaultRule.SIDECAR, file, "", found, "one channel of 16 bits", fix))
    ratio = stored.astype(np.float64) / 65535
    depth = ratio / (1000 - 999 * ratio) / 0.004
    return np.where((ratio < NEAR) | (ratio > FAR), 0, depth).astype(np.float32)


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
