"""The one-minute benchmark in its published layout (``docs/artifacts.md``, artifact ``evaluate``)."""

from enum import StrEnum

from pydantic import Field

from data_contracts.base import Record


class Split(StrEnum):
    """The two trajectory splits of App. D.1."""

    SIMPLE = "simple"
    HARD = "hard"


class RevisitPair(Record):
    """Two frames at nearly one viewpoint. ``quality_score`` sorts them; lower is better."""

    frame_a: int = Field(ge=0)
    frame_b: int = Field(ge=0)
    quality_score: float = Field(ge=0)
    distance_m: float = Field(ge=0)
    angle_diff_deg: float = Field(ge=0)


class Smoothness(Record):
    """How smooth one trajectory is: largest turn in degrees a second, largest and mean speed in metres a second."""

    max_degrees_per_second: float
    max_metres_per_second: float
    mean_metres_per_second: float
    path_length_m: float


class SceneTrajectory(Record):
    """One scene of ``scene_trajectories_v2.json``. ``collision`` is ``unchecked`` where no depth is at hand."""

    scene_id: str
    category: str
    template: str
    clip_id: str
    median_depth_m: float | None
    travel_scale: float
    collision: str
    smoothness: Smoothness
    evaluation_pairs: list[RevisitPair]


class SceneTrajectories(Record):
    """``scene_trajectories_v2.json``."""

    scenes: list[SceneTrajectory]


class ManifestLine(Record):
    """One line of ``run_manifest.jsonl``; paths are relative to the benchmark's root."""

    id: str
    prompt: str
    image_path: str
    camera_path: str


class PoseScore(Record):
    """Camera accuracy over ``n`` videos of which ``failed`` gave no pose; the means are over the ``n - failed`` others.

    ``rotation_deg_all`` counts a failure as 180 degrees, so that a method cannot gain by failing.
    """

    n: int
    failed: int
    rotation_deg: float | None
    rotation_deg_all: float | None
    rotation_deg_umeyama: float | None
    translation_m: float | None
    camera_motion: float | None
    unit: str = "deg"


class RevisitScore(Record):
    """Revisit memory over ``pairs`` frame pairs: decibels, and SSIM by the benchmark's own definition."""

    pairs: int
    psnr: float | None
    ssim: float | None


class DriftScore(Record):
    """Image quality of the first and last window by the named scorer, and their difference (lower is better)."""

    scorer: str
    windows: int
    first: float
    last: float
    delta: float


class SubjectScore(Record):
    """All figures of one subject (``model``, ``real``, ``shuffled_camera``) on one split.

    ``cameras`` says what its videos are compared with.
    """

    subject: str
    split: str
    cameras: str
    videos: int
    pose: PoseScore
    revisit: RevisitScore
    drift: DriftScore


class NotRun(Record):
    """A metric that was not measured, and why. Never shown as a number."""

    metric: str
    reason: str


class BenchmarkResults(Record):
    """``results.json``: deterministic figures only; timings are in the stage's provenance."""

    estimator: str
    alignment: str
    scores: list[SubjectScore]
