"""Numbers of sources against what their stated unit allows; the frame or field of the first wrong one is named."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from data_contracts.plausible import CENTER, LAST_ROW, QUATERNION, ROTATION, PlausibleRange
from data_contracts.source_fault import FaultRule
from tasks.ingest.fault import SourceFault, SourceFaultError, told


@dataclass(frozen=True)
class Place:
    """Where numbers came from: a file and a field of it, as messages name them."""

    file: str
    field: str

    def row(self, index: int | None) -> str:
        """The field and, where there is one a frame, whose."""
        return self.field if index is None else f"{self.field} of frame {index}"


@dataclass(frozen=True)
class LensPlace:
    """Where a lens came from: a file, and its names of fx, fy, cx and cy."""

    file: str
    fields: tuple[str, str, str, str]


Sides = tuple[float, float]


def check_value(value: float, allowed: PlausibleRange, place: Place, index: int | None = None) -> None:
    """Refuse a number that is not finite, or that the unit does not allow.

    Raises:
        SourceFaultError: naming the file, the field, the row and the range.
    """
    rule = FaultRule.UNIT if np.isfinite(value) else FaultRule.NOT_FINITE
    if not allowed.holds(value):
        field, found = place.row(index), told(float(value))
        raise SourceFaultError(SourceFault(rule, place.file, field, found, allowed.expectation, allowed.fix))


def check_values(values: Float[np.ndarray, " rows"], allowed: PlausibleRange, place: Place) -> None:
    """``check_value`` of every row; the first wrong one is named, unless there is but one row.

    Raises:
        SourceFaultError: as ``check_value``.
    """
    wrong = ~((values >= allowed.low) & (values <= allowed.high))
    if wrong.any():
        index = int(wrong.argmax())
        check_value(float(values[index]), allowed, place, index if len(values) > 1 else None)


def check_lens(lens: Float[np.ndarray, "rows 4"], sides: Sides, focal: PlausibleRange, place: LensPlace) -> None:
    """Focal lengths and principal points against the picture.

    Args:
        lens: fx fy cx cy as the source stores them, pixel centres at +0.5; one row is that of all frames.
        sides: width and height in the source's unit: pixels, or 1 and 1 where it divides by them.
        focal: what a focal length over the picture's side can be, in the words of the source's unit.
        place: the file, and the name of each of the four in it.

    Raises:
        SourceFaultError: a value is not finite, or not in the unit.
    """
    width, height = sides
    allowed = (focal.times(width), focal.times(height), CENTER.times(width), CENTER.times(height))
    for name, column, bounds in zip(place.fields, lens.T, allowed, strict=True):
        check_values(column, bounds, Place(place.file, name))


def check_rotations(rotations: Float[np.ndarray, "rows 3 3"], file: str, field: str) -> None:
    """Refuse matrices that are no rotations; rows that are not finite are the screen's to judge.

    Raises:
        SourceFaultError: naming the first row that is none.
    """
    finite = np.asarray(np.isfinite(rotations).all(axis=(1, 2)))
    known = np.where(finite[:, None, None], rotations, np.eye(3))
    with np.errstate(over="ignore", invalid="ignore"):  # numbers too large to square are no rotations either
        deviation = np.abs(known.transpose(0, 2, 1) @ known - np.eye(3)).max(axis=(1, 2))
        mirrored = np.linalg.det(known) < 0
    check_values(np.where(mirrored, np.maximum(deviation, 2.0), deviation), ROTATION, Place(file, field))


def check_last_rows(poses: Float[np.ndarray, "rows height 4"], file: str, field: str) -> None:
    """Refuse poses whose last row is not 0 0 0 1: their translation stands elsewhere. Three rows say nothing.

    Raises:
        SourceFaultError: naming the first such row.
    """
    if poses.shape[1] == 4:
        deviation = np.abs(poses[:, 3] - (0, 0, 0, 1)).max(axis=1)
        check_values(np.where(np.isfinite(deviation), deviation, 0.0), LAST_ROW, Place(file, field))


def check_quaternions(quaternions: Float[np.ndarray, "rows 4"], file: str, field: str) -> None:
    """Refuse quaternions whose length is far from 1.

    Raises:
        SourceFaultError: naming the first row.
    """
    with np.errstate(over="ignore"):  # numbers too large to square are no unit quaternions either
        lengths = np.linalg.norm(quaternions, axis=1)
    check_values(lengths, QUATERNION, Place(file, field))
