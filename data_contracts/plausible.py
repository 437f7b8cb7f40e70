"""What a number of a source can be at all, if it is in the unit that the source's format states.

A value outside is no bad clip but an unreadable one: it was written in another unit, so the clip is quarantined. What a
sound value must be for training is for the rules of the contracts, whose ranges are narrower.
"""

from pydantic import Field

from data_contracts.base import Record


class PlausibleRange(Record):
    """A closed range of one quantity.

    Attributes:
        quantity: what is measured, with its unit, as a message names it.
        low: smallest value that the unit allows; ``high`` the largest.
        reason: which other units fall outside.
        fix: what to write instead.
    """

    quantity: str
    low: float
    high: float
    reason: str
    fix: str = Field(min_length=1)

    def holds(self, value: float) -> bool:
        """Whether the value is inside; never true of NaN."""
        return self.low <= value <= self.high

    def times(self, side: float) -> "PlausibleRange":
        """The range of a quantity that is stated over a picture's side, in pixels of a side this long."""
        return self.model_copy(update={"low": self.low * side, "high": self.high * side})

    @property
    def expectation(self) -> str:
        """The range as a message says it."""
        return f"{self.quantity} in [{self.low:g}, {self.high:g}]"


FRAME_RATE = PlausibleRange(
    quantity="frames per second",
    low=1,
    high=240,
    reason="seconds per frame lie below 1, milliseconds per second above",
    fix="write frames per second, as 24.0",
)
TIME = PlausibleRange(
    quantity="a duration in seconds or frames",
    low=0,
    high=10_000_000,
    reason="a day at 100 frames per second is less",
    fix="write a number without a unit",
)
DURATION_RATIO = PlausibleRange(
    quantity="seconds times fps over frame_number",
    low=0.9,
    high=1.1,
    reason="milliseconds are 1000 times too many, a rate written as its inverse hundreds of times too small",
    fix="write seconds in seconds and fps in frames per second",
)
FOCAL_PIXELS = PlausibleRange(
    quantity="a focal length in pixels of this picture",
    low=0.15,
    high=10,
    reason="fields of view of 147 to 5.7 degrees; normalized focals, millimetres and degrees lie below",
    fix="write focal lengths in pixels of the full picture",
)
FOCAL_NORMALIZED = PlausibleRange(
    quantity="a focal length over the picture's side",
    low=0.15,
    high=10,
    reason="fields of view of 147 to 5.7 degrees; pixels lie above",
    fix="divide the first row by the width and the second by the height",
)
CENTER = PlausibleRange(
    quantity="a principal point inside the picture",
    low=0.05,
    high=0.95,
    reason="normalized ones lie at the picture's edge when read as pixels, pixels far outside when read as normalized",
    fix="write it in the unit of the focal lengths",
)
ROTATION = PlausibleRange(
    quantity="a rotation's largest deviation from orthonormal",
    low=0,
    high=0.05,
    reason="angles in degrees or radians, transposed and scaled matrices are no rotations",
    fix="write rotation matrices of determinant 1, the translation in the last column",
)
LAST_ROW = PlausibleRange(
    quantity="a last row's deviation from 0 0 0 1",
    low=0,
    high=0.001,
    reason="a transposed pose has its translation there",
    fix="write the translation in the last column",
)
QUATERNION = PlausibleRange(
    quantity="a quaternion's length",
    low=0.9,
    high=1.1,
    reason="angles in degrees or radians are no unit quaternions",
    fix="write unit quaternions as w x y z",
)
SENSOR_DEPTH = PlausibleRange(
    quantity="a median sensor depth in metres",
    low=0.1,
    high=1000,
    reason="metres stored as millimetres lie below 0.1, micrometres above 1000",
    fix="write depth in millimetres, 0 = none",
)
GAME_DEPTH = PlausibleRange(
    quantity="a median depth in game units",
    low=0.1,
    high=1000,
    reason="millimetres or metres stored where the normalized value belongs decode to below 0.1",
    fix="store v = 65535 d with depth = d / (1000 - 999 d) / 0.004",
)
