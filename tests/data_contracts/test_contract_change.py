"""Differences of contracts ask for the right version step; a stale version is named; schemas go out and come back."""

import json
import shutil

import pytest
import yaml

from data_contracts.contract_change import Bump, contract_changes, version_problems
from data_contracts.contract_export import RULES, export_contracts, table_of_schema, table_schema
from data_contracts.contract_loader import CONTRACTS, load_contracts, with_proposal
from data_contracts.errors import InputError
from data_contracts.licence import load_licences


@pytest.fixture
def edited(tmp_path):
    """The contracts in force in a folder, and how to change one file of it."""
    folder = tmp_path / "contracts"
    shutil.copytree(CONTRACTS, folder)

    def edit(name, change):
        path = folder / f"{name}.yaml"
        content = yaml.safe_load(path.read_text())
        change(content)
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return folder

    return edit


def changes_of(folder):
    in_force, proposed = load_contracts(), load_contracts(folder)
    changes = contract_changes(in_force, proposed, load_licences())
    return changes, version_problems(in_force, proposed, changes)


def rule(content, name):
    return next(one for one in content["quality"] if one["id"] == name)


def test_no_change_is_no_difference(edited):
    assert changes_of(edited("plain", dict)) == ([], [])


def test_a_moved_threshold_is_a_minor_change_and_wants_both_versions(edited):
    changes, problems = changes_of(edited("miradata", lambda one: rule(one, "vmaf_motion").update(maximum=40)))
    assert [(change.contract, change.before, change.after, change.needs) for change in changes] == [
        ("miradata", "50.0", "40.0", Bump.MINOR)
    ]
    assert len(problems) == 2
    assert "version 1.1.0 to 1.1.0 is a none step" in problems[0]
    assert "still version 1; make it 2" in problems[1]


def test_with_both_versions_raised_nothing_is_wrong(edited):
    def change(content):
        rule(content, "vmaf_motion").update(maximum=40, version=2)
        content["version"] = "1.2.0"

    assert changes_of(edited("miradata", change))[1] == []


def remove_column(content):
    content["schema"][0]["properties"].pop()


def narrow(content):
    next(one for one in content["schema"][0]["properties"] if one["logicalType"] == "number")["logicalType"] = "integer"


def add_column(content):
    content["schema"][0]["properties"].append({"name": "new", "logicalType": "string", "required": False})


def loosen(content):
    content["licence"] = "MIT"


def tighten(content):
    content["licence"] = "LicenseRef-All-Rights-Reserved"


@pytest.mark.parametrize(
    ("name", "change", "needs"),
    [
        ("clips", remove_column, Bump.MAJOR),
        ("clips", narrow, Bump.MAJOR),
        ("clips", add_column, Bump.MINOR),
        ("dl3dv_gs", loosen, Bump.MAJOR),
        ("dl3dv_gs", tighten, Bump.MINOR),
        ("plain", lambda content: content.update(owner="another"), Bump.PATCH),
        ("omniworld", lambda content: content["not_applied"].pop(), Bump.MINOR),
        ("spatialvid", lambda content: content["quality"].pop(), Bump.MINOR),
    ],
    ids=[
        "column gone",
        "type narrowed",
        "column added",
        "licence looser",
        "licence tighter",
        "owner",
        "exemption",
        "rule",
    ],
)
def test_what_a_change_asks_for(edited, name, change, needs):
    found, problems = changes_of(edited(name, change))
    assert [one.needs for one in found] == [needs]
    assert len(problems) == 1


def test_a_single_file_replaces_the_contract_of_its_source(edited):
    folder = edited("miradata", lambda one: rule(one, "vmaf_motion").update(maximum=40))
    proposed = with_proposal(load_contracts(), folder / "miradata.yaml")
    limits = {one.id: one.maximum for one in proposed.rules_of("miradata")}
    assert limits["vmaf_motion"] == 40
    assert proposed.rules_of("spatialvid") == load_contracts().rules_of("spatialvid")
    broken = folder / "broken.yaml"
    broken.write_text("id: 3\n")
    with pytest.raises(InputError, match=r"broken\.yaml"):
        with_proposal(load_contracts(), broken)


def test_schemas_go_out_and_come_back(tmp_path):
    contracts = load_contracts()
    names = export_contracts(contracts, tmp_path)
    assert RULES in names
    for table in contracts.common.tables:
        assert table_of_schema(table_schema(table)) == table
        assert json.loads((tmp_path / f"{table.name}.schema.json").read_text()) == table_schema(table)
    rules = json.loads((tmp_path / RULES).read_text())
    assert len(rules) == len(contracts.flat(sorted(contracts.by_source)))
