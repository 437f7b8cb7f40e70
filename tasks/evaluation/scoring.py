"""The same figures for everything that is scored: the model, real clips (upper bound), shuffled cameras (control)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jaxtyping import Float
from numpy import ndarray

from data_contracts.benchmark import RevisitPair, SubjectScore
from tasks.evaluation.config import EvaluateConfig
from tasks.evaluation.drift import drift_score, window_qualities
from tasks.evaluation.poses import pose_score, video_errors
from tasks.evaluation.revisit import revisit_score, revisit_values
from tasks.vision.video import read_video


@dataclass(frozen=True)
class ScoredVideo:
    """A video, the cameras it should show, those found in it, and its revisit pairs."""

    video: Path
    asked: Float[ndarray, "frames 4 4"]
    estimate: Float[ndarray, "frames 4 4"] | None
    pairs: list[RevisitPair]


@dataclass(frozen=True)
class Subject:
    """What is scored, and where its cameras come from."""

    name: str
    split: str
    cameras: str


def score_subject(subject: Subject, videos: Sequence[ScoredVideo], config: EvaluateConfig) -> SubjectScore:
    """Pose accuracy, revisit memory and drift over a list of videos."""
    revisits, windows = [], []
    for one in videos:
        video = read_video(one.video)
        revisits.extend(revisit_values(video.frames, video.fps, one.pairs))
        windows.append(window_qualities(video.frames, max(1, round(config.window_seconds * video.fps))))
    return SubjectScore(
        subject=subject.name,
        split=subject.split,
        cameras=subject.cameras,
        videos=len(videos),
        pose=pose_score([video_errors(one.estimate, one.asked, config.pose_interval) for one in videos]),
        revisit=revisit_score(revisits),
        drift=drift_score(windows),
    )


def with_shuffled_cameras(videos: Sequence[ScoredVideo]) -> list[ScoredVideo]:
    """Every video against the path of the next one: what a model that ignores its cameras would score."""
    shifted = [*videos[1:], *videos[:1]]
    return [replace(one, asked=other.asked, pairs=other.pairs) for one, other in zip(videos, shifted, strict=True)]
