"""The report shows what the artifacts hold, escapes what they say, and leaves out what is not there."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from browser import axe_findings, needs_chromium
from safetensors.numpy import save_file

from data_contracts.quality import Rule
from data_contracts.report import StageResult, StageStatus
from tasks.reporting.page import write_report
from tasks.reporting.request import ReportRequest

RULE = Rule(
    id="luma_low", version=1, metric="luma", scorer="mean_luma", resolution="192x320@16", minimum=12.0,
    origin="ours", reason="too dark",
)  # fmt: skip


@pytest.fixture
def artifacts(tmp_path: Path) -> dict[str, Path]:
    names = ("filter_verdicts", "filter_scores", "filter_accepted", "pose", "frame_gdn")
    folders = {name: tmp_path / name for name in names}
    for folder in folders.values():
        folder.mkdir()
    verdicts = [
        {"path": "a.mp4", "clip_id": "a", "source": "plain", "status": "accepted", "reasons": []},
        {"path": "<b>.mp4", "clip_id": "b", "source": "plain", "status": "rejected", "reasons": ["luma_low"]},
    ]
    schema = {"path": pl.String, "clip_id": pl.String, "source": pl.String, "status": pl.String,
              "reasons": pl.List(pl.String)}  # fmt: skip
    pl.DataFrame(verdicts, schema=schema).write_parquet(folders["filter_verdicts"] / "verdicts.parquet")
    scores = {"clip_id": ["a", "b"], "metric": ["luma"] * 2, "scorer": ["mean_luma"] * 2, "value": [90.0, 3.0]}
    pl.DataFrame(scores).write_parquet(folders["filter_scores"] / "scores.parquet")
    pl.DataFrame({"clip_id": ["a"], "source": ["plain"]}).write_parquet(folders["filter_accepted"] / "accepted.parquet")
    (folders["pose"] / "poses").mkdir()
    poses = np.tile(np.eye(4), (9, 1, 1))
    poses[:, 2, 3] = np.linspace(0, 1, 9)
    save_file({"camera_to_world": poses}, folders["pose"] / "poses" / "a.safetensors")
    (folders["frame_gdn"] / "metrics.json").write_text(json.dumps({"loss": [1.0, 0.8, 0.7]}))
    (folders["frame_gdn"] / "held_out.json").write_text(
        json.dumps({"before": 1.0, "after": 0.75, "before_with_camera": 1.0, "after_with_camera": 0.5})
    )
    return folders


def test_a_full_report_names_every_part_and_is_self_contained(artifacts: dict[str, Path], tmp_path: Path) -> None:
    stages = [StageResult(name="filter", status=StageStatus.EXECUTED, seconds=1.5, artifact="0123.dir")]
    request = ReportRequest(artifacts, {"filter_accepted": "0123.dir"}, stages, facts={"model": "v<1>"})
    page = write_report(request, [RULE], tmp_path / "report.html").read_text()
    for anchor in ("corpus", "scores", "cameras", "training", "stages", "lineage"):
        assert f'<section id="{anchor}" ' in page
    assert "after = 0.75" in page
    assert "0123.dir" in page
    assert "v&lt;1&gt;" in page
    assert "http://" not in page
    assert "https://" not in page


def test_a_report_of_nothing_has_no_sections(tmp_path: Path) -> None:
    page = write_report(ReportRequest({}, {}, []), [], tmp_path / "report.html").read_text()
    assert "<section" not in page


def test_the_corpus_section_links_to_the_corpus_page_where_there_is_one(
    artifacts: dict[str, Path], tmp_path: Path
) -> None:
    without = write_report(ReportRequest(artifacts, {}, []), [], tmp_path / "report.html").read_text()
    assert "corpus/index.html" not in without
    request = ReportRequest(artifacts, {}, [], corpus_page="corpus/index.html")
    page = write_report(request, [], tmp_path / "report.html").read_text()
    assert "<a href='corpus/index.html'>" in page[page.index('<section id="corpus" ') :]


@needs_chromium
@pytest.mark.parametrize("width", [1400, 400], ids=["wide", "narrow"])
def test_axe_has_no_finding_and_the_console_is_silent(browser, artifacts, tmp_path, width) -> None:
    stages = [StageResult(name="filter", status=StageStatus.EXECUTED, seconds=1.5, artifact="0123.dir")]
    made_from = {"filter_accepted": ["filter_verdicts"]}
    ids = dict.fromkeys(artifacts, "0123456789abcdef0123456789abcdef.dir")
    request = ReportRequest(artifacts, ids, stages, made_from, {"data docs": "x"}, {"model": "v1"}, "corpus/index.html")
    page = write_report(request, [RULE], tmp_path / "report.html")
    browser.console.clear()
    browser.open(page.as_uri(), width)
    _, passed, findings = axe_findings(browser)
    assert not findings, "\n".join(findings)
    assert {"color-contrast", "image-alt", "region"} <= set(passed)
    assert browser.console == []
    browser.press("Tab")
    browser.press("Enter")
    browser.tab_to("#corpus a")


@needs_chromium
def test_axe_can_go_red(browser, tmp_path) -> None:
    page = write_report(ReportRequest({}, {}, [], facts={"model": "v1"}), [], tmp_path / "report.html")
    page.write_text(page.read_text().replace("header dt { color: #9fb2c1; }", "header dt { color: #2d3c47; }"))
    browser.open(page.as_uri())
    _, _, findings = axe_findings(browser)
    assert any(line.startswith("serious color-contrast") for line in findings)
