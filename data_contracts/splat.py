"""Camera paths through Gaussian scenes: what was tried, what was kept, and why not."""

from enum import StrEnum

from pydantic import Field

from data_contracts.base import Record


class TrajectoryFate(StrEnum):
    """What became of a candidate path. Everything but ``rendered`` names the test that stopped it."""

    RENDERED = "rendered"
    NOT_CHOSEN = "not_chosen"
    COVERAGE = "coverage"
    EMPTY_TILES = "empty_tiles"
    NEAR_BLANK = "near_blank"
    NO_METRIC_SCALE = "no_metric_scale"
    SCENE_UNUSABLE = "scene_unusable"


class TrajectoryRow(Record):
    """One row of ``trajectories.parquet``: one candidate path, or a scene that could not be used (``name`` empty).

    Attributes:
        scene_path: the scene's path in the corpus.
        name: family and number, such as ``orbit_03``.
        family: ``near_view`` or a motion family.
        clip_id: the rendered clip, empty unless ``fate`` is ``rendered``.
        fate: what became of it.
        detail: the numbers behind the fate, for people.
        covered_views: share of sampled views with enough splats in the frustum (App. B.2: at least 0.70).
        tiled_views: share of sampled views with at most 65% of their 32x32 tiles empty.
        worst_empty_tiles: largest share of empty tiles over the sampled views.
        expected_motion: median motion of the visible splats, pixels per frame, mean over the sampled views.
        near_blank_frames: share of rendered frames that are near blank (App. B.2: at most 0.30).
        path_length_m: length of the path of the camera centre, metres.
        metres_per_unit: metric scale of the scene.
    """

    scene_path: str
    name: str
    family: str
    clip_id: str = ""
    fate: TrajectoryFate
    detail: str = ""
    covered_views: float = Field(default=0.0, ge=0, le=1)
    tiled_views: float = Field(default=0.0, ge=0, le=1)
    worst_empty_tiles: float = Field(default=1.0, ge=0, le=1)
    expected_motion: float = Field(default=0.0, ge=0)
    near_blank_frames: float = Field(default=0.0, ge=0, le=1)
    path_length_m: float = Field(default=0.0, ge=0)
    metres_per_unit: float = Field(default=0.0, ge=0)
