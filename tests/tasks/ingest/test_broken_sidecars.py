"""A sidecar that cannot be read costs one line and its own input, and never a pickle or the run."""

import json

import cv2
import numpy as np
import pytest
from fault_cases import JSON_FILES, NPZ, PLAIN, SEKAI, SENSOR, SPLIT, TRANSFORMS, Case, cell, check, index, set_key
from small_sources import HEIGHT, WIDTH
from two_of_each import BAD, GOOD, edit_arrays, edit_json, edit_rows

from data_contracts.clip import ClipStatus
from data_contracts.contract_loader import load_contracts
from data_contracts.source_fault import FaultRule

CAMERA_FIX, TRANSFORMS_FIX = JSON_FILES[SPLIT], JSON_FILES[TRANSFORMS]


def test_a_sound_corpus_says_nothing(read):
    rows, lines = read()
    assert lines == []
    assert {path: row.status for path, row in rows.items()} == dict.fromkeys(
        [*GOOD.values(), *BAD.values()], ClipStatus.READY
    )


@pytest.mark.parametrize("file", JSON_FILES)
@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "0 bytes"),
        (b'{"caption": "A w', "text that is no JSON at line 1 column 13 (Unterminated string starting at)"),
        (b"\x93\x82\x00\xff", "a byte that is no UTF-8 at 0"),
        (b"[" * 100_000, "brackets nested too deep"),
    ],
    ids=["zero", "truncated", "binary", "nested"],
)
def test_a_json_file_that_is_none(corpus, read, file, data, found):
    (corpus / file).write_bytes(data)
    source, name = file.split("/", 1)
    line = f"{name}: found {found}; expected a JSON object in UTF-8; fix: {JSON_FILES[file]}"
    check(read, BAD[source], FaultRule.SIDECAR, line)


def of_wrong_kind(file):
    np.savez(file, extrinsic=np.array([{"a": 1}], dtype=object))


def single_array(file):
    with file.open("wb") as stream:
        np.save(stream, np.eye(4))


@pytest.mark.parametrize("file", [SEKAI, SENSOR])
@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda file: file.write_bytes(b""), "0 bytes"),
        (
            lambda file: file.write_bytes(file.read_bytes()[:300]),
            "300 bytes that are no whole NPZ (File is not a zip file)",
        ),
        (
            lambda file: file.write_bytes(np.random.default_rng(0).bytes(99)),
            "99 bytes that are no whole NPZ (File is not a zip file)",
        ),
        (lambda file: file.write_bytes(b"\x80\x04\x95."), "a pickle, which is never loaded"),
        (single_array, "a single NPY array"),
    ],
    ids=["zero", "truncated", "binary", "pickle", "npy"],
)
def test_an_npz_that_is_none(corpus, read, file, damage, found):
    damage(corpus / file)
    source, name = file.split("/", 1)
    check(read, BAD[source], FaultRule.SIDECAR, f"{name}: found {found}; {NPZ}")


def flip(data):
    """One byte of the first array's numbers, which its checksum covers."""
    changed = bytearray(data)
    changed[400] ^= 0xFF
    return bytes(changed)


CASES = [
    Case(
        "flipped byte",
        BAD["sekai_game"],
        FaultRule.SIDECAR,
        f"bad.npz: found 3922 bytes that are no whole NPZ (Bad CRC-32 for file 'extrinsic.npy'); {NPZ}",
        lambda c: (c / SEKAI).write_bytes(flip((c / SEKAI).read_bytes())),
    ),
    Case(
        "object array",
        BAD["sekai_game"],
        FaultRule.SIDECAR,
        "bad.npz, array extrinsic: found pickled Python objects; expected numbers; pickles are never loaded; "
        "fix: write it again with numpy.savez",
        lambda c: of_wrong_kind(c / SEKAI),
    ),
    Case(
        "array of text",
        BAD["sekai_game"],
        FaultRule.SIDECAR,
        "bad.npz, array extrinsic: found <U32; expected floating point numbers; fix: write float64 matrices: "
        "extrinsic N 4 4, intrinsic N 3 3",
        lambda c: edit_arrays(c / SEKAI, extrinsic=lambda a: a.astype(str)),
    ),
    Case(
        "missing array",
        BAD["sekai_game"],
        FaultRule.SIDECAR,
        "bad.npz, array extrinsic: found only intrinsic; expected this array; fix: write it again with numpy.savez",
        lambda c: edit_arrays(c / SEKAI, extrinsic=None),
    ),
    Case(
        "short intrinsics",
        BAD["sekai_game"],
        FaultRule.SIDECAR,
        "bad.npz, array intrinsic: found shape (5, 3, 3); expected 17 x 3 x 3; fix: write the array in that shape",
        lambda c: edit_arrays(c / SEKAI, intrinsic=lambda a: a[:5]),
    ),
    Case(
        "listed sidecar missing",
        BAD["sekai_game"],
        FaultRule.SIDECAR,
        f"bad.npz: found no such file; {NPZ}",
        lambda c: (c / SEKAI).unlink(),
    ),
    Case(
        "sensor depth in two dimensions",
        BAD["plain"],
        FaultRule.SIDECAR,
        "bad.sensor_depth.npz, array depth: found shape (4, 6); expected N x N x N; fix: write the array in that shape",
        lambda c: edit_arrays(c / SENSOR, depth=lambda a: a[0]),
    ),
    Case(
        "sensor frames of another count",
        BAD["plain"],
        FaultRule.SIDECAR,
        "bad.sensor_depth.npz, array frames: found shape (9,); expected 3; fix: write the array in that shape",
        lambda c: edit_arrays(c / SENSOR, frames=lambda _: np.arange(9)),
    ),
    Case(
        "sensor depth as floats",
        BAD["plain"],
        FaultRule.SIDECAR,
        "bad.sensor_depth.npz, array depth: found float32; expected integer numbers; fix: write depth in millimetres "
        "as uint16, 0 = none",
        lambda c: edit_arrays(c / SENSOR, depth=lambda a: a.astype(np.float32) / 1000),
    ),
    Case(
        "caption that is a list",
        BAD["plain"],
        FaultRule.SIDECAR,
        f"bad.json, field caption: found ['A wall.']; expected a valid string; fix: {JSON_FILES[PLAIN]}",
        lambda c: edit_json(c / PLAIN, set_key("caption", value=["A wall."])),
    ),
    Case(
        "quaternions of three numbers",
        BAD["omniworld"],
        FaultRule.SIDECAR,
        "bad/camera/split_0.json, field quats[0] (and 16 more fields): found [1.0, 0.0, 0.0]; expected a list of at "
        f"least 4 items, not 3; fix: {CAMERA_FIX}",
        lambda c: edit_json(c / SPLIT, lambda content: content.update(quats=[q[:3] for q in content["quats"]])),
    ),
    Case(
        "fewer translations than quaternions",
        BAD["omniworld"],
        FaultRule.SIDECAR,
        f"bad/camera/split_0.json, field trans: found 5 rows; expected 17 as of quats, one a frame; fix: {CAMERA_FIX}",
        lambda c: edit_json(c / SPLIT, lambda content: content.update(trans=content["trans"][:5])),
    ),
    Case(
        "camera file missing",
        BAD["omniworld"],
        FaultRule.SIDECAR,
        f"bad/camera/split_0.json: found no such file; expected a JSON object in UTF-8; fix: {CAMERA_FIX}",
        lambda c: (c / SPLIT).unlink(),
    ),
    Case(
        "depth picture missing",
        BAD["omniworld"],
        FaultRule.SIDECAR,
        "bad/depth/000004.png: found no such file; expected one channel of 16 bits; fix: write a 16-bit PNG of one "
        "channel for every frame of the split",
        lambda c: (c / "omniworld/bad/depth/000004.png").unlink(),
    ),
    Case(
        "depth picture of 8 bits",
        BAD["omniworld"],
        FaultRule.SIDECAR,
        "bad/depth/000008.png: found uint8 of shape (64, 96); expected one channel of 16 bits; fix: write a 16-bit "
        "PNG of one channel for every frame of the split",
        lambda c: cv2.imwrite(str(c / "omniworld/bad/depth/000008.png"), np.full((HEIGHT, WIDTH), 9, np.uint8)),
    ),
    Case(
        "no focal length",
        BAD["dl3dv_gs"],
        FaultRule.SIDECAR,
        f"bad/transforms.json, field fl_x: found no such field; expected this field; fix: {TRANSFORMS_FIX}",
        lambda c: edit_json(c / TRANSFORMS, lambda content: content.pop("fl_x")),
    ),
    Case(
        "width that is text",
        BAD["dl3dv_gs"],
        FaultRule.SIDECAR,
        f"bad/transforms.json, field w: found 'wide'; expected a valid number; fix: {TRANSFORMS_FIX}",
        lambda c: edit_json(c / TRANSFORMS, set_key("w", value="wide")),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_fault_is_one_line_and_one_input(corpus, read, case):
    case.break_it(corpus)
    check(read, case.path, case.rule, case.line)


def test_several_faults_are_as_many_lines(corpus, read):
    (corpus / PLAIN).write_bytes(b"")
    (corpus / SEKAI).write_bytes(b"")
    edit_rows(corpus / index("omniworld"), cell("FPS", "24,0"))
    rows, lines = read()
    assert len(lines) == 3
    assert [row.path for row in rows.values() if row.status is ClipStatus.QUARANTINED] == [
        "omniworld/bad",
        "plain/bad.mp4",
        "sekai_game/bad.mp4",
    ]


def test_every_fault_has_its_rule():
    rules = {rule.id: rule for rule in load_contracts().rules_of("plain")}
    assert all(rules[rule.value].stage == "ingest" for rule in FaultRule)


@pytest.mark.parametrize("seed", range(40))
def test_bytes_changed_anywhere_never_stop_the_corpus(corpus, read, seed):
    """Some changes are harmless; none is more than a row of its own."""
    rng = np.random.default_rng(seed)
    file = corpus / [SEKAI, SENSOR, SPLIT, TRANSFORMS, PLAIN, "omniworld/bad/split_info.json"][seed % 6]
    data = bytearray(file.read_bytes())
    for place in rng.integers(0, len(data), 1 + seed % 4):
        data[place] = rng.integers(256)
    file.write_bytes(bytes(data[: rng.integers(1, len(data) + 1)] if seed % 3 == 0 else data))
    rows, lines = read()
    assert all(rows[path].status is ClipStatus.READY for path in GOOD.values())
    assert len(rows) == 10
    assert len(lines) <= 1


def test_json_of_other_sources_keys_is_ignored(corpus, read):
    content = json.loads((corpus / TRANSFORMS).read_text()) | {"k1": None, "ply_file_path": [1]}
    (corpus / TRANSFORMS).write_text(json.dumps(content))
    assert read()[1] == []
