"""What changes a key and what does not."""

from pathlib import Path

import pytest

from infra.keys import CodeIndex, StageKey, distribution_of
from infra.session import PACKAGES, ROOT
from infra.stage import Shard

SOURCES = {
    "app/__init__.py": "",
    "app/stage.py": "import numpy\nfrom app import helper\n\ndef run():\n    from app.lazy import value\n",
    "app/helper.py": "from . import constants\n",
    "app/constants.py": "ANSWER = 42\n",
    "app/lazy.py": "value = 1\nWORKER = 'app.worker:main'\n",
    "app/worker.py": "import yaml\n",
    "app/unused.py": "import app.stage\n",
    "app/rules.yaml": "limit: 3\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in SOURCES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def code(root: Path):
    return CodeIndex(root, ["app"]).code("app.stage")


def test_code_is_what_can_be_reached_by_import_or_by_name(root):
    found = code(root)
    assert set(found.modules) == {f"app.{name}" for name in ("stage", "helper", "constants", "lazy", "worker")} | {
        "app"
    }
    assert set(found.packages) == {"numpy", "PyYAML"}


@pytest.mark.parametrize("name", ["app/constants.py", "app/lazy.py", "app/worker.py", "app/__init__.py"])
def test_a_change_of_reachable_code_changes_the_digest(root, name):
    before = code(root).digest
    (root / name).write_text(SOURCES[name] + "\nchanged = True\n")
    assert code(root).digest != before


def test_other_code_and_another_place_do_not(root, tmp_path_factory):
    before = code(root).digest
    (root / "app/unused.py").write_text("changed = True\n")
    assert code(root).digest == before
    moved = tmp_path_factory.mktemp("moved") / "root"
    root.rename(moved)
    assert code(moved).digest == before


def test_data_files_have_a_digest_of_their_own(root):
    before = CodeIndex(root, ["app"]).resources(["app/*.yaml"])
    (root / "app/rules.yaml").write_text("limit: 4\n")
    assert CodeIndex(root, ["app"]).resources(["app/*.yaml"]) != before
    assert code(root).digest == code(root).digest


def test_each_part_of_a_key_counts():
    key = StageKey("s", "c", "f", "r", {"a": "1"})
    others = [
        StageKey("t", "c", "f", "r", {"a": "1"}),
        StageKey("s", "x", "f", "r", {"a": "1"}),
        StageKey("s", "c", "x", "r", {"a": "1"}),
        StageKey("s", "c", "f", "x", {"a": "1"}),
        StageKey("s", "c", "f", "r", {"a": "2"}),
    ]
    assert len({key.digest, *(other.digest for other in others)}) == 6


def test_every_import_of_the_product_has_a_distribution():
    index = CodeIndex(ROOT, PACKAGES)
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    ]
    reached = set().union(*(index._closure(module) for module in modules))
    import sys

    tops = {name.partition(".")[0] for name in reached} - set(PACKAGES) - sys.stdlib_module_names
    assert [top for top in sorted(tops) if not distribution_of(top)] == []


def test_shards_part_the_keys():
    keys = [f"{value:08x}" for value in range(0, 2**32, 2**27)]
    owners = [[index for index in range(3) if Shard(index, 3).holds(key)] for key in keys]
    assert all(len(owner) == 1 for owner in owners)
    assert {owner[0] for owner in owners} == {0, 1, 2}
