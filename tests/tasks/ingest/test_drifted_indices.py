"""A drifted index costs one line; a wrong row itself alone, a wrong header every row of its source."""

import csv

import numpy as np
import pytest
from fault_cases import Case, cell, check, index
from two_of_each import BAD, INDEX, edit_rows

from data_contracts.clip import ClipStatus
from data_contracts.source_fault import FaultRule

FPS = "expected frames per second in [1, 240]; fix: write frames per second, as 24.0"
WIDTHS = {"miradata": 7, "omniworld": 4, "sekai_game": 3, "dl3dv_gs": 2}
CASES = [
    Case(
        "decimal comma",
        BAD["omniworld"],
        FaultRule.INDEX,
        f"omniworld_metadata.csv, line 3, column FPS: found '24,0'; {FPS}; the decimal mark is a point",
        lambda c: edit_rows(c / index("omniworld"), cell("FPS", "24,0")),
    ),
    Case(
        "path outside",
        "sekai_game/sekai-game.csv#3",
        FaultRule.INDEX,
        "sekai-game.csv, line 3, column videoFile: found '../../x.mp4'; expected a path inside the source; fix: "
        "paths of an index are relative to the source's folder",
        lambda c: edit_rows(c / index("sekai_game"), cell("videoFile", "../../x.mp4")),
    ),
    Case(
        "empty path",
        "sekai_game/sekai-game.csv#3",
        FaultRule.INDEX,
        "sekai-game.csv, line 3, column videoFile: found nothing; expected a value; fix: fill the cell or "
        "remove the row",
        lambda c: edit_rows(c / index("sekai_game"), cell("videoFile", "")),
    ),
    Case(
        "bytes that are no text",
        BAD["sekai_game"],
        FaultRule.INDEX,
        "sekai-game.csv, line 3, column caption: found 'A h\\x00ll.'; expected text in UTF-8; fix: save it as UTF-8",
        lambda c: edit_rows(c / index("sekai_game"), cell("caption", "A h\0ll.")),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_fault_is_one_line_and_one_input(corpus, read, case):
    case.break_it(corpus)
    check(read, case.path, case.rule, case.line)


@pytest.mark.parametrize("source", INDEX)
@pytest.mark.parametrize(
    ("change", "step", "fix"),
    [
        (lambda rows: rows[2].pop(), -1, "quote fields that hold commas, and leave none out"),
        (lambda rows: rows[2].append("x"), 1, "quote fields that hold commas, and leave none out"),
    ],
    ids=["few", "many"],
)
def test_a_row_of_another_length(corpus, read, source, change, step, fix):
    edit_rows(corpus / index(source), change)
    found, expected = WIDTHS[source] + step, WIDTHS[source]
    line = f"{INDEX[source]}, line 3: found {found} fields; expected {expected} as in the header; fix: {fix}"
    check(read, f"{index(source)}#3", FaultRule.INDEX, line)


@pytest.mark.parametrize("source", INDEX)
def test_a_row_that_is_there_twice(corpus, read, source):
    edit_rows(corpus / index(source), lambda rows: rows.append(rows[2]))
    column = {"miradata": "file_path", "omniworld": "UID", "sekai_game": "videoFile", "dl3dv_gs": "hash"}[source]
    value = BAD[source].removeprefix(f"{source}/")
    line = f"{INDEX[source]}, line 4, column {column}: found {value!r} a second time; expected each input once; "
    check(read, f"{index(source)}#4", FaultRule.INDEX, line + "fix: remove one of the two rows", added=True)


@pytest.mark.parametrize("source", INDEX)
def test_an_open_quote_does_not_swallow_the_rows_behind_it(corpus, read, source):
    edit_rows(corpus / index(source), lambda rows: rows.insert(2, ["x"] * WIDTHS[source]))
    path = corpus / index(source)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], '"' + lines[2], *lines[3:]]) + "\n")
    line = f"{INDEX[source]}, line 3: found a quote that is not closed; expected whole quoted fields; fix: close the "
    check(read, f"{index(source)}#3", FaultRule.INDEX, line + "quote, or double it", added=True)


def renamed(rows):
    rows[0][0] = rows[0][0].upper() + "_"


KEYS = {"miradata": "clip_id", "omniworld": "UID", "sekai_game": "videoFile", "dl3dv_gs": "hash"}


@pytest.mark.parametrize("source", INDEX)
@pytest.mark.parametrize(
    ("change", "place", "found", "fix"),
    [
        (renamed, "line 1, column {key}", "only {upper}_{rest}; expected this column", "rename '{upper}_' to '{key}'"),
        (
            lambda rows: [row.append(row[0]) for row in rows],
            "line 1, column {key}",
            "it 2 times; expected it once",
            "remove or rename the others",
        ),
    ],
    ids=["renamed", "duplicated"],
)
def test_a_drifted_header_costs_every_row_and_one_line(corpus, read, source, change, place, found, fix):
    header = next(csv.reader((corpus / index(source)).read_text().splitlines()))
    edit_rows(corpus / index(source), change)
    words = {"key": KEYS[source], "upper": KEYS[source].upper(), "rest": "".join(f", {name}" for name in header[1:])}
    line = f"{INDEX[source]}, {place}: found {found}; fix: {fix}".format(**words)
    check_all_rows(read, source, line)


@pytest.mark.parametrize("source", INDEX)
@pytest.mark.parametrize(("mark", "name"), [(";", "semicolons"), ("\t", "tabs")])
def test_another_delimiter_costs_every_row_and_one_line(corpus, read, source, mark, name):
    path = corpus / index(source)
    rows = list(csv.reader(path.read_text().splitlines()))
    path.write_text("\n".join(mark.join(row) for row in rows) + "\n")
    line = f"{INDEX[source]}, line 1: found {name} between fields; expected commas; fix: save it as a "
    check_all_rows(read, source, line + "comma-separated file")


def check_all_rows(read, source, line):
    """Both rows of the source are quarantined for one reason, which is told once."""
    rows, lines = read()
    concerned = {path: row for path, row in rows.items() if row.source == source}
    assert {(row.status, *row.reasons, row.detail) for row in concerned.values()} == {
        (ClipStatus.QUARANTINED, "index_invalid", line)
    }
    assert len(concerned) == 2
    assert lines == [f"quarantined 2 inputs of {source}, first {min(concerned)} (index_invalid): {line}"]
    assert {row.status for path, row in rows.items() if path not in concerned} == {ClipStatus.READY}


@pytest.mark.parametrize("source", INDEX)
@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (
            lambda path: path.unlink(),
            "no such file; expected the index of this source format; fix: see docs/sources.md",
        ),
        (lambda path: path.write_bytes(b""), "0 bytes; expected a header and rows; fix: {header}"),
        (
            lambda path: path.write_text(path.read_text(), "utf-16"),
            "UTF-16; expected UTF-8; fix: save it as UTF-8",
        ),
        (
            lambda path: path.write_bytes(np.random.default_rng(0).bytes(300)),
            "bytes that are no text; expected a CSV in UTF-8; fix: save it as UTF-8",
        ),
    ],
    ids=["gone", "empty", "utf16", "binary"],
)
def test_an_index_without_a_header_is_one_quarantined_row(corpus, read, source, damage, told):
    damage(corpus / index(source))
    rows, lines = read()
    told = told.format(header="write the header as docs/sources.md gives it")
    assert lines == [f"quarantined {index(source)} (index_invalid): {INDEX[source]}: found {told}"]
    assert [row.path for row in rows.values() if row.status is ClipStatus.QUARANTINED] == [index(source)]
    assert len(rows) == 9


@pytest.mark.parametrize("source", INDEX)
@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_text(path.read_text(), "utf-8-sig"),
        lambda path: path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n")),
        lambda path: edit_rows(path, lambda rows: [row.reverse() for row in rows]),
        lambda path: edit_rows(path, lambda rows: [row.append("x") for row in rows]),
        lambda path: path.write_text(path.read_text() + "\n\n"),
    ],
    ids=["byte order mark", "line feeds", "reordered", "one column more", "blank lines"],
)
def test_what_is_no_fault_costs_nothing(corpus, read, source, change):
    change(corpus / index(source))
    rows, lines = read()
    assert lines == []
    assert len(rows) == 10
