"""The contracts carry Table 6 and App. B.3 as the paper prints them, and refuse what is not a contract."""

import shutil

import pytest

from data_contracts.contract import Origin
from data_contracts.contract_loader import CONTRACTS, load_contracts
from data_contracts.errors import InputError
from data_contracts.licence import Use, load_licences
from data_contracts.source import SourceFormat

# Table 6, typed out: VMAF motion, UniMatch, DOVER, saturation, scene cuts, VLM entity, VLM quality. None = a dash.
TABLE_6 = {
    "omniworld": ((0.5, 100), (3, 100), (0.35, 1.0), None, None, (0, 10), (0.5, 1.5)),
    "sekai_game": ((0.5, 50), (3, 80), (0.25, 1.0), None, None, (0, 10), (0.5, 1.5)),
    "sekai_walking": ((0.5, 50), (3, 50), (0.35, 1.0), (0, 180), None, (0, 25), (0.5, 1.5)),
    "miradata": ((0.5, 50), (3, 80), (0.4, 1.0), (0, 180), (None, 1), None, None),
    "dl3dv_gs": ((6, 50), (3, 80), (0.4, 1.0), (0, 180), (None, 1), None, None),
    "spatialvid": ((0.5, 50), (3, 80), (0.35, 1.0), (0, 180), None, (0, 10), (0.5, 1.5)),
}
CELLS = ("vmaf_motion", "unimatch", "dover", "saturation", "scene_cuts", "vlm_entity", "vlm_quality")


@pytest.mark.parametrize("source", TABLE_6)
def test_table_6(source):
    rules = {rule.id: rule for rule in load_contracts().rules_of(source)}
    for cell, limits in zip(CELLS, TABLE_6[source], strict=True):
        if limits is None:
            assert cell not in rules
        else:
            assert (rules[cell].minimum, rules[cell].maximum) == limits
            assert rules[cell].origin is Origin.PAPER


@pytest.mark.parametrize("source", [*TABLE_6, "plain", "a source nobody wrote a contract for"])
def test_camera_rules_bind_every_source(source):
    cells = {(rule.id, rule.metric): rule for rule in load_contracts().rules_of(source)}
    assert cells["fov", "fov_smallest"].minimum == 25
    assert cells["fov", "fov_largest"].maximum == 120
    assert cells["focal_mismatch", "focal_mismatch"].maximum == 0.20
    assert cells["scale_cov", "scale_cov"].maximum == 2.0
    camera = ("fov", "focal_mismatch", "scale_cov")
    assert all(rule.origin is Origin.PAPER for (name, _), rule in cells.items() if name in camera)


def test_paper_numbers_bind_the_papers_scorers_alone():
    scorers = {"ffmpeg_vmafmotion", "unimatch", "dover", "hsv_mean", "pyscenedetect", "vlm", "intrinsics", "pose"}
    contracts = load_contracts()
    for source in TABLE_6:
        for rule in contracts.rules_of(source):
            assert rule.scorer in scorers or rule.origin is Origin.OURS


def test_every_format_has_a_contract_and_every_flat_rule_one_source():
    contracts = load_contracts()
    assert {source_format.value for source_format in SourceFormat} <= set(contracts.by_source)
    assert all(len(rule.sources) == 1 for rule in contracts.flat(["plain", "miradata", "plain"]))


@pytest.mark.parametrize(
    ("find", "write", "told"),
    [
        ("maximum: 180", "maximum: high", "quality"),
        ("extends: sana-wm.clips", "extends: elsewhere", "elsewhere"),
        ("source: miradata", "source: plain", "two contracts"),
        ("minimum: 0, maximum: 180", "minimum: 200, maximum: 180", "above maximum"),
        ("owner: data-steward", "owner: x\nsurprise: 1", "surprise"),
        ("kind: DataContract", "kind: [", "miradata.yaml"),
    ],
)
def test_a_broken_contract_is_named(tmp_path, find, write, told):
    folder = tmp_path / "contracts"
    shutil.copytree(CONTRACTS, folder)
    path = folder / "miradata.yaml"
    assert find in path.read_text()
    path.write_text(path.read_text().replace(find, write))
    with pytest.raises(InputError, match=told) as caught:
        load_contracts(folder)
    assert caught.value.exit_code == 2


def test_unknown_licences_allow_nothing():
    table = load_licences()
    assert table.allows("CC-BY-NC-4.0", Use.RESEARCH)
    assert not table.allows("CC-BY-NC-4.0", Use.COMMERCIAL)
    assert table.allows("CC0-1.0", Use.COMMERCIAL)
    assert not table.allows("LicenseRef-of-my-own", Use.RESEARCH)
