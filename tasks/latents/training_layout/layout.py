"""Names and values of one archive of the authors' training layout.

``<raw>/<stem>.zip`` holds ``<key>.json`` a clip, ``<cache>/<stem>.zip`` holds ``<key>.npz`` with the latent ``z``;
beside the raw zip lie ``<stem>_camera.npz`` and JSON files of scores, metric scales and captions by key.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

CAMERA = "_camera.npz"
METRIC_SCALE = "_metric_scale_stats.json"
CAPTION = "_LongSceneStaticCaption-Qwen3-VL-30B-A3B-Instruct.json"
Payload = Any  # one JSON value, kept as it was read


@dataclass(frozen=True)
class ScoreFile:
    """One kind of score: the end of its file's name, the field that holds the number, and what it can be at all."""

    suffix: str
    fields: tuple[str, ...]
    low: float
    high: float


SCORES = {
    "vmafmotion": ScoreFile("_vmafmotion.json", ("vmafmotion_score", "score"), 0, 255),
    "unimatch": ScoreFile("_unimatch.json", ("unimatch_flow_score", "score", "median"), 0, 10_000),
    "dover": ScoreFile("_dover.json", ("dover_score", "score"), 0, 1),
    "vlm_entity_filter": ScoreFile("_vlm_entity_filter.json", ("entity_count", "score"), 0, 1_000_000),
    "vlm_quality_filter": ScoreFile("_vlm_quality_filter.json", ("quality_pass", "score"), 0, 2),
}


@dataclass(frozen=True)
class TrainingClip:
    """One clip of an archive.

    Attributes:
        key: its name in every file.
        metadata: the JSON member, at least ``width`` and ``height`` in pixels; other fields are kept.
        latent: ``z``, in the type it is stored in.
        camera_to_world: OpenCV axes, one pose a raw frame, in the source's scale.
        intrinsics: fx fy cx cy in pixels of ``width`` x ``height``.
        metric_scale: entry of the metric scales, None = none (a factor of 1).
        scores: kind of score -> its entry as stored: a number, a list of numbers, or an object.
        caption: entry of the captions as stored, None = none.
    """

    key: str
    metadata: dict[str, Payload]
    latent: Float[np.ndarray, "channels frames latent_height latent_width"]
    camera_to_world: Float[np.ndarray, "raw_frames 4 4"]
    intrinsics: Float[np.ndarray, "raw_frames 4"]
    metric_scale: Payload = None
    scores: dict[str, Payload] = field(default_factory=dict)
    caption: Payload = None


@dataclass(frozen=True)
class Problem:
    """What is wrong in one file. ``key`` is empty where the whole file is concerned."""

    file: str
    key: str
    what: str

    def __str__(self) -> str:
        """One line: what and where."""
        return f"{self.file}{f' [{self.key}]' if self.key else ''}: {self.what}"


def score_value(kind: str, entry: Payload) -> float | None:
    """The number in a score's entry: the kind's own field, else the first number; lists are averaged.

    Returns:
        None where the entry holds no number.
    """
    if isinstance(entry, bool | int | float):
        return float(entry)
    if isinstance(entry, list):
        values = [score_value(kind, part) for part in entry]
        numbers = [value for value in values if value is not None]
        return sum(numbers) / len(numbers) if numbers else None
    if isinstance(entry, dict):
        ordered = [entry[name] for name in SCORES[kind].fields if name in entry] or list(entry.values())
        return next((value for value in (score_value(kind, part) for part in ordered) if value is not None), None)
    return None


def beside(raw_zip: Path, suffix: str) -> Path:
    """The file of this suffix beside a raw zip."""
    return raw_zip.with_name(raw_zip.stem + suffix)
