"""What the tests of source faults share: a case, its check, and ways to break one value."""

from dataclasses import dataclass

from two_of_each import BAD, GOOD, INDEX

from data_contracts.clip import ClipStatus
from data_contracts.source_fault import FaultRule
from infra.stage import SilentProgress

PLAIN, SEKAI, SPLIT, TRANSFORMS, SENSOR = (
    "plain/bad.json",
    "sekai_game/bad.npz",
    "omniworld/bad/camera/split_0.json",
    "dl3dv_gs/bad/transforms.json",
    "plain/bad.sensor_depth.npz",
)
JSON_FILES = {
    PLAIN: "a sidecar is a JSON object of texts: caption, licence, scene_id, source_video_id",
    SPLIT: "it holds focals, cx, cy, quats (w x y z) and trans, a row a frame, see docs/sources.md",
    "omniworld/bad/split_info.json": 'it holds {"split": [[frame ids], ...]}, see docs/sources.md',
    TRANSFORMS: "it holds w h fl_x fl_y cx cy in pixels and frames with a 4 x 4 transform_matrix each, "
    "see docs/sources.md",
}
NPZ = "expected an NPZ of plain number arrays; fix: write it again with numpy.savez"


@dataclass(frozen=True)
class Case:
    """What is done to the corpus, whom it costs, and the line that says so."""

    name: str
    path: str
    rule: FaultRule
    line: str
    break_it: object


class Listener(SilentProgress):
    """Keeps what the stage says of inputs; that some were stored already is not about any."""

    def __init__(self):
        self.lines = []

    def say(self, message):
        if not message.endswith("the others are stored"):
            self.lines.append(message)


def check(read, path, rule, line, added=False):
    """One line, one input, and every other as before; a row of an index stands for ``bad`` unless it was added."""
    rows, lines = read()
    assert lines == [f"quarantined {path} ({rule.value}): {line}"]
    assert rows[path].status is ClipStatus.QUARANTINED
    assert (rows[path].reasons, rows[path].detail) == ([rule.value], line)
    others = {name: row.status for name, row in rows.items() if name != path}
    unnamed = BAD[path.split("/")[0]] if "#" in path and not added else path
    assert others == dict.fromkeys({*GOOD.values(), *BAD.values()} - {unnamed}, ClipStatus.READY)
    assert "\n" not in line


def put(*place, value):
    """A function that sets one value of an array."""

    def change(array):
        array[place] = value
        return array

    return change


def cell(column, value):
    """A function that sets a cell of the second row."""
    return lambda rows: rows[2].__setitem__(rows[0].index(column), value)


def set_key(*place, value):
    """A function that sets one value in parsed JSON."""

    def change(content):
        for key in place[:-1]:
            content = content[key]
        content[place[-1]] = value

    return change


def index(source):
    return f"{source}/{INDEX[source]}"
