"""A number that is not finite, or not in its stated unit, costs one line and its own input."""

import cv2
import numpy as np
import pytest
from fault_cases import JSON_FILES, PLAIN, SEKAI, SENSOR, SPLIT, TRANSFORMS, Case, cell, check, index, put, set_key
from small_sources import FRAMES, HEIGHT, WIDTH
from two_of_each import BAD, edit_arrays, edit_json, edit_rows

from data_contracts.clip import ClipStatus
from data_contracts.source_fault import FaultRule

CAMERA_FIX, TRANSFORMS_FIX = JSON_FILES[SPLIT], JSON_FILES[TRANSFORMS]
FOCAL = "expected a focal length over the picture's side in [0.15, 10]; fix: divide the first row by the width and "
FOCAL += "the second by the height"
PIXELS = "expected a focal length in pixels of this picture in [14.4, 960]; fix: write focal lengths in pixels of the "
PIXELS += "full picture"
FPS = "expected frames per second in [1, 240]; fix: write frames per second, as 24.0"

CASES = [
    Case(
        "NaN in JSON quaternions",
        BAD["omniworld"],
        FaultRule.NOT_FINITE,
        f"bad/camera/split_0.json, field quats[3][0]: found nan; expected a finite number; fix: {CAMERA_FIX}",
        lambda c: edit_json(c / SPLIT, set_key("quats", 3, 0, value=float("nan"))),
    ),
    Case(
        "infinite focal length",
        BAD["omniworld"],
        FaultRule.NOT_FINITE,
        f"bad/camera/split_0.json, field focals[3]: found inf; expected a finite number; fix: {CAMERA_FIX}",
        lambda c: edit_json(c / SPLIT, set_key("focals", 3, value=float("inf"))),
    ),
    Case(
        "NaN in a training camera",
        BAD["dl3dv_gs"],
        FaultRule.NOT_FINITE,
        "bad/transforms.json, field frames[1].transform_matrix[0][3]: found nan; expected a finite number; fix: "
        f"{TRANSFORMS_FIX}",
        lambda c: edit_json(c / TRANSFORMS, set_key("frames", 1, "transform_matrix", 0, 3, value=float("nan"))),
    ),
    Case(
        "NaN for a caption",
        BAD["plain"],
        FaultRule.NOT_FINITE,
        f"bad.json, field caption: found nan; expected a valid string; fix: {JSON_FILES[PLAIN]}",
        lambda c: (c / PLAIN).write_text('{"caption": NaN}'),
    ),
    Case(
        "NaN in intrinsics",
        BAD["sekai_game"],
        FaultRule.NOT_FINITE,
        f"bad.npz, intrinsic[0, 0] of frame 3: found nan; {FOCAL}",
        lambda c: edit_arrays(c / SEKAI, intrinsic=put(3, 0, 0, value=np.nan)),
    ),
    Case(
        "NaN for a frame rate",
        BAD["omniworld"],
        FaultRule.NOT_FINITE,
        f"omniworld_metadata.csv, line 3, column FPS: found 'nan'; {FPS}",
        lambda c: edit_rows(c / index("omniworld"), cell("FPS", "nan")),
    ),
    Case(
        "infinite duration",
        BAD["miradata"],
        FaultRule.NOT_FINITE,
        "miradata_v1.csv, line 3, column seconds: found 'inf'; expected a duration in seconds or frames in "
        "[0, 1e+07]; fix: write a number without a unit",
        lambda c: edit_rows(c / index("miradata"), cell("seconds", "inf")),
    ),
    Case(
        "intrinsics in pixels",
        BAD["sekai_game"],
        FaultRule.UNIT,
        f"bad.npz, intrinsic[0, 0] of frame 0: found 80; {FOCAL}",
        lambda c: edit_arrays(c / SEKAI, intrinsic=lambda a: a * WIDTH),
    ),
    Case(
        "normalized focal lengths",
        BAD["omniworld"],
        FaultRule.UNIT,
        f"bad/camera/split_0.json, field focals of frame 0: found 0.83; {PIXELS}",
        lambda c: edit_json(c / SPLIT, set_key("focals", value=[0.83] * FRAMES)),
    ),
    Case(
        "normalized focal length of a scene",
        BAD["dl3dv_gs"],
        FaultRule.UNIT,
        f"bad/transforms.json, field fl_x: found 0.83; {PIXELS}",
        lambda c: edit_json(c / TRANSFORMS, set_key("fl_x", value=0.83)),
    ),
    Case(
        "field of view in radians for a focal length",
        BAD["dl3dv_gs"],
        FaultRule.UNIT,
        f"bad/transforms.json, field fl_x: found 1.08; {PIXELS}",
        lambda c: edit_json(c / TRANSFORMS, set_key("fl_x", value=1.08)),
    ),
    Case(
        "normalized principal point",
        BAD["dl3dv_gs"],
        FaultRule.UNIT,
        "bad/transforms.json, field cx: found 0.5; expected a principal point inside the picture in [4.8, 91.2]; "
        "fix: write it in the unit of the focal lengths",
        lambda c: edit_json(c / TRANSFORMS, set_key("cx", value=0.5)),
    ),
    Case(
        "angles for quaternions",
        BAD["omniworld"],
        FaultRule.UNIT,
        "bad/camera/split_0.json, field quats of frame 0: found 57.3; expected a quaternion's length in [0.9, 1.1]; "
        "fix: write unit quaternions as w x y z",
        lambda c: edit_json(
            c / SPLIT, lambda content: content.update(quats=[[57.3 * v for v in q] for q in content["quats"]])
        ),
    ),
    Case(
        "angles in degrees for rotations",
        BAD["sekai_game"],
        FaultRule.UNIT,
        "bad.npz, the rotation of extrinsic of frame 0: found 3282.29; expected a rotation's largest deviation from "
        "orthonormal in [0, 0.05]; fix: write rotation matrices of determinant 1, the translation in the last column",
        lambda c: edit_arrays(c / SEKAI, extrinsic=lambda a: a * np.array([57.3, 57.3, 57.3, 1])),
    ),
    Case(
        "transposed poses",
        BAD["sekai_game"],
        FaultRule.UNIT,
        "bad.npz, the last row of extrinsic of frame 1: found 0.3; expected a last row's deviation from 0 0 0 1 in "
        "[0, 0.001]; fix: write the translation in the last column",
        lambda c: edit_arrays(c / SEKAI, extrinsic=lambda a: a.transpose(0, 2, 1)),
    ),
    Case(
        "sensor depth in metres",
        BAD["plain"],
        FaultRule.UNIT,
        "bad.sensor_depth.npz, depth: found 0.001; expected a median sensor depth in metres in [0.1, 1000]; fix: "
        "write depth in millimetres, 0 = none",
        lambda c: edit_arrays(c / SENSOR, depth=lambda a: a // 1000),
    ),
    Case(
        "dense depth in millimetres",
        BAD["omniworld"],
        FaultRule.UNIT,
        "bad/depth/*.png, all depth: found 0.00585604; expected a median depth in game units in [0.1, 1000]; fix: "
        "store v = 65535 d with depth = d / (1000 - 999 d) / 0.004",
        lambda c: [
            cv2.imwrite(str(path), np.full((HEIGHT, WIDTH), 1500, np.uint16))
            for path in (c / "omniworld/bad/depth").iterdir()
        ],
    ),
    Case(
        "seconds per frame",
        BAD["omniworld"],
        FaultRule.UNIT,
        f"omniworld_metadata.csv, line 3, column FPS: found '0.0417'; {FPS}",
        lambda c: edit_rows(c / index("omniworld"), cell("FPS", "0.0417")),
    ),
    Case(
        "seconds per frame in miradata",
        BAD["miradata"],
        FaultRule.UNIT,
        f"miradata_v1.csv, line 3, column fps: found '0.0625'; {FPS}",
        lambda c: edit_rows(c / index("miradata"), cell("fps", "0.0625")),
    ),
    Case(
        "milliseconds",
        BAD["miradata"],
        FaultRule.UNIT,
        "miradata_v1.csv, line 3, column seconds: found 1062.5; expected 1.0625 s, 17 frames at 16 a second, within "
        "10%; fix: write seconds in seconds and fps in frames per second",
        lambda c: edit_rows(c / index("miradata"), cell("seconds", "1062.5")),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_fault_is_one_line_and_one_input(corpus, read, case):
    case.break_it(corpus)
    check(read, case.path, case.rule, case.line)


# Poses that are not finite or not one a frame keep their pixels: the screen rejects them by name.


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            put(slice(3, 5), 0, 3, value=np.nan),
            "bad.npz, pose of frame 3: found NaN or infinity, in 2 rows; expected finite numbers; fix: estimate these "
            "poses again",
        ),
        (
            lambda poses: poses[:11],
            "bad.npz, poses: found 11 rows; expected 17, one a frame of the media; fix: write one pose a frame",
        ),
    ],
    ids=["nan", "rows"],
)
def test_poses_are_left_to_the_screen_and_told_at_once(corpus, read, change, line):
    edit_arrays(corpus / SEKAI, extrinsic=change, intrinsic=lambda k: k[: len(change(np.zeros((17, 4, 4))))])
    rows, lines = read()
    assert lines == [f"to be rejected sekai_game/bad.mp4: {line}"]
    assert rows["sekai_game/bad.mp4"].status is ClipStatus.READY
    assert rows["sekai_game/bad.mp4"].detail == line
