"""What is planted where, which rule must find it, and which other rules may fire with good reason."""

from dataclasses import dataclass
from enum import StrEnum

from data_contracts.clip import ClipStatus

ACCEPTED, REJECTED, QUARANTINED = ClipStatus.ACCEPTED, ClipStatus.REJECTED, ClipStatus.QUARANTINED


class Source(StrEnum):
    """The sources that hold video clips, by their format's name."""

    PLAIN = "plain"
    MIRADATA = "miradata"
    OMNIWORLD = "omniworld"
    SEKAI_GAME = "sekai_game"


class Kind(StrEnum):
    """What is special about a clip. A twin is good, and within 25% of the limit that its bad sibling breaks."""

    GOOD = "good"
    BLACK = "black"
    FROZEN = "frozen"
    CUTS = "two_cuts"
    SATURATED = "over_saturated"
    FOV = "fov_out_of_range"
    FOCAL = "focal_mismatch"
    SCALE = "scale_variation"
    POSE_ROWS = "pose_rows"
    POSE_NAN = "pose_nan"
    TRUNCATED = "truncated"
    CORRUPT = "corrupt"
    DUPLICATE = "exact_duplicate"
    LEAK = "caption_leak"
    LICENCE = "forbidden_licence"
    SATURATED_TWIN = "saturated_twin"
    FOV_TWIN = "fov_twin"
    FOCAL_TWIN = "focal_twin"
    SCALE_TWIN = "scale_twin"
    SLOW_MOTION = "slow_motion_twin"


@dataclass(frozen=True)
class Planting:
    """One row of the table."""

    kind: Kind
    source: Source
    status: ClipStatus
    rule: str
    may_also: tuple[str, ...] = ()


# Nothing moves in these, or nothing is seen: no camera can be found.
_NO_MOTION = ("flow", "camera_static", "pose_failed")

PLANTINGS = (
    Planting(Kind.BLACK, Source.PLAIN, REJECTED, "luma_low", (*_NO_MOTION, "vmaf_motion", "quality")),
    Planting(Kind.FROZEN, Source.PLAIN, REJECTED, "vmaf_motion", _NO_MOTION),
    Planting(Kind.SLOW_MOTION, Source.PLAIN, ACCEPTED, ""),
    Planting(Kind.SATURATED, Source.PLAIN, REJECTED, "saturation", ("quality",)),
    Planting(Kind.SATURATED_TWIN, Source.PLAIN, ACCEPTED, ""),
    Planting(Kind.LICENCE, Source.PLAIN, REJECTED, "licence_forbidden"),
    Planting(Kind.TRUNCATED, Source.PLAIN, QUARANTINED, "media_truncated"),
    Planting(Kind.DUPLICATE, Source.PLAIN, REJECTED, "duplicate_exact", ("duplicate_near", "benchmark_overlap")),
    Planting(Kind.CUTS, Source.MIRADATA, REJECTED, "scene_cuts", ("flow", "pose_failed", "pose_smoothness")),
    Planting(Kind.CORRUPT, Source.MIRADATA, QUARANTINED, "media_corrupt"),
    Planting(Kind.LEAK, Source.MIRADATA, REJECTED, "caption_leak"),
    Planting(Kind.SCALE, Source.OMNIWORLD, REJECTED, "scale_cov", ("pose_failed",)),
    Planting(Kind.SCALE_TWIN, Source.OMNIWORLD, ACCEPTED, ""),
    Planting(Kind.FOV, Source.SEKAI_GAME, REJECTED, "fov", ("pose_failed",)),
    Planting(Kind.FOV_TWIN, Source.SEKAI_GAME, ACCEPTED, ""),
    Planting(Kind.FOCAL, Source.SEKAI_GAME, REJECTED, "focal_mismatch", ("pose_failed",)),
    Planting(Kind.FOCAL_TWIN, Source.SEKAI_GAME, ACCEPTED, ""),
    Planting(Kind.POSE_ROWS, Source.SEKAI_GAME, REJECTED, "pose_rows", ("pose_failed",)),
    Planting(Kind.POSE_NAN, Source.SEKAI_GAME, REJECTED, "pose_finite", ("pose_failed", "pose_smoothness")),
)

GOOD = {source: Planting(Kind.GOOD, source, ACCEPTED, "") for source in Source}
