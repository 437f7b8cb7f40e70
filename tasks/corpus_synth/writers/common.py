"""What all writers share: records of written clips, descriptors, sensor files and deterministic tables."""

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tasks.corpus_synth.render import RenderedClip


@dataclass(frozen=True)
class WrittenClip:
    """Where a clip went. ``row`` is its line of the source's table, ``metres_per_unit`` the planted scale."""

    number: int
    path: str
    row: Mapping[str, str] = field(default_factory=dict)
    metres_per_unit: float = 1.0


@dataclass(frozen=True)
class Descriptor:
    """``source.json``."""

    name: str
    licence: str
    pose_mode: str
    typical_speed: float
    description: str

    def write(self, folder: Path) -> None:
        """Write it into the source's folder."""
        folder.mkdir(parents=True, exist_ok=True)
        content = {
            "version": 1,
            "name": self.name,
            "format": self.name,
            **{key: getattr(self, key) for key in ("licence", "pose_mode", "typical_speed", "description")},
        }
        write_json(folder / "source.json", content)


def write_json(path: Path, content: object) -> None:
    """Readable JSON with a final newline."""
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    """A UTF-8 CSV with exactly the header's columns."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, header, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(stream.getvalue(), encoding="utf-8")


def write_sensor(clip: RenderedClip, stem: Path) -> None:
    """``<stem>.sensor_depth.npz``, where the clip has a sensor."""
    if clip.sensor is not None:
        path = stem.with_name(stem.name + ".sensor_depth.npz")
        np.savez_compressed(path, frames=clip.sensor.frames, depth=clip.sensor.depth)


def stable_hex(digits: int, *parts: object) -> str:
    """A hexadecimal name that depends on the parts alone."""
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:digits]
