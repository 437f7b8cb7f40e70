"""``docs/equations.md`` is complete, and every file, name and test it points to is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/equations.md").read_text("utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("|") and not set(line) <= set("|- ")]
REFERENCE = re.compile(r"(?P<names>(?:`[A-Za-z_]\w*`(?:, | and )?)*)(?: in )?\[`(?P<file>[^`]+)`\]\((?P<link>[^)]+)\)")
KINDS = re.compile(r"parity kinds? ((?:`\w+`(?:, | and )?)+)")


def references():
    for row in ROWS:
        for found in REFERENCE.finditer(row):
            yield found["file"], found["link"], tuple(re.findall(r"`(\w+)`", found["names"]))


@pytest.mark.parametrize(("file", "link", "names"), sorted(set(references())))
def test_files_and_names_are_there(file, link, names):
    assert (ROOT / "docs" / link).resolve() == (ROOT / file).resolve()
    source = (ROOT / file).read_text("utf-8")
    for name in names:
        assert re.search(rf"^\s*(?:async )?(?:def|class) {name}\b|^\s*{name}\b\s*[:=]", source, re.MULTILINE), name


def test_every_row_names_code_and_a_check():
    bare = [row for row in ROWS if "](../" not in row and "differs" not in row and "background" not in row]
    headers = [row for row in bare if row.startswith(("| where |", "| # |"))]
    assert bare == headers


def test_every_equation_and_every_difference_is_listed():
    listed = set()
    for start, stop in re.findall(r"Eq\. (\d+)(?:-(\d+))?", "\n".join(row.split("|")[1] for row in ROWS)):
        listed.update(range(int(start), int(stop or start) + 1))
    assert listed == set(range(1, 14))
    differences = [int(cell) for row in ROWS if (cell := row.split("|")[1].strip()).isdecimal()]
    assert differences == list(range(1, 19))


def test_parity_kinds_are_those_of_the_runner():
    kinds = {kind for found in KINDS.finditer(PAGE) for kind in re.findall(r"`(\w+)`", found[1])}
    known = (ROOT / "tests/parity").rglob("*.py")
    sources = "\n".join(path.read_text("utf-8") for path in known)
    assert kinds
    for kind in kinds:
        assert f'"{kind}"' in sources, kind
