"""The corpus commands answer from a workdir, in words and in JSON, and fail with codes."""

import json
import shutil
import sys
from dataclasses import dataclass

import pytest

from data_contracts.clip import ClipRow
from data_contracts.contract_loader import load_contracts
from data_contracts.explanation import ClipExplanation
from data_contracts.quality import ScoreRow, VerdictRow
from data_contracts.report import CorpusStats
from tasks.filtering.facts import licence_score, media_scores
from tasks.filtering.screen import STAGES
from tasks.filtering.verdicts import judge, score_frame, verdicts
from tasks.vision.tables import write_table
from workflows.cli.main import main


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A workdir whose screen has judged three listed inputs by what was measured of them."""
    from data_contracts.licence import Use, load_licences

    root = tmp_path_factory.mktemp("work")
    facts = {"source": "plain", "height": 192, "width": 320, "fps": 16.0, "raw_frames": 17}
    rows = [
        ClipRow(path="plain/a.mp4", clip_id="aaaa1111", licence="CC0-1.0", **facts),
        ClipRow(path="plain/b.mp4", clip_id="bbbb2222", licence="CC-BY-NC-4.0", **facts),
        ClipRow(path="plain/c.mp4", source="plain", status="quarantined", reasons=["media_empty"], detail="0 bytes"),
    ]
    scores = [score for row in rows for score in media_scores(row)]
    scores += [licence_score(row, load_licences(), Use.RESEARCH) for row in rows[:2]]
    luma = {"metric": "luma", "scorer": "luma_mean", "scorer_version": "1", "resolution": "192x320@16"}
    scores += [
        ScoreRow(clip_id=row.clip_id, path=row.path, value=value, worst_frame=3, **luma)
        for row, value in zip(rows, (3.0, 120.0), strict=False)
    ]
    frame = score_frame(scores)
    found = verdicts(rows, judge(rows, frame, load_contracts(), STAGES))
    for name in ("ingest", "screen"):
        (root / "artifacts" / name).mkdir(parents=True)
    write_table(root / "artifacts" / "ingest" / "clips.parquet", rows, ClipRow)
    frame.write_parquet(root / "artifacts" / "screen" / "scores.parquet")
    write_table(root / "artifacts" / "screen" / "verdicts.parquet", found, VerdictRow)
    return root


@dataclass(frozen=True)
class Answer:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def wm(capsys, monkeypatch):
    """Call the command line in this process."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["wm", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return Answer(ended.value.code or 0, captured.out, captured.err)

    return call


def test_stats_in_json_and_in_words(workdir, wm):
    stats = CorpusStats.model_validate_json(wm("corpus", "stats", "--workdir", workdir, "--json").stdout)
    assert stats.by_source == {"plain": {"accepted": 1, "quarantined": 1, "rejected": 1}}
    assert stats.by_reason == {"luma_low": 1, "media_empty": 1}
    assert [clip.detail for clip in stats.clips] == ["", "", "0 bytes"]
    told = wm("corpus", "stats", "--workdir", workdir).stdout
    assert "luma_low" in told
    assert "quarantined plain/c.mp4 (media_empty): 0 bytes" in told
    table = wm("corpus", "stats", "--workdir", workdir, "--markdown").stdout
    assert "| plain/a.mp4 | rejected: luma_low | **3** |" in table


def test_why_explains_and_refuses_strangers(workdir, wm):
    found = ClipExplanation.model_validate_json(wm("why", "aaaa", "--workdir", workdir, "--json").stdout)
    failed = [finding for finding in found.findings if finding.outcome.outcome == "fail"]
    assert [(f.outcome.rule, f.outcome.value, f.worst_frame) for f in failed] == [("luma_low", 3.0, 3)]
    told = wm("why", "plain/c.mp4", "--workdir", workdir).stdout
    assert told.count("0 bytes") == 1
    assert "media_empty: 0 bytes" in told
    stranger = wm("why", "ffff9999", "--workdir", workdir)
    assert (stranger.returncode, "Traceback" in stranger.stderr) == (2, False)
    assert "E502" in stranger.stderr


def test_the_licence_gate_has_an_exit_code(workdir, wm):
    assert wm("corpus", "licences", "--workdir", workdir).returncode == 0
    closed = wm("corpus", "licences", "--workdir", workdir, "--use", "commercial")
    assert closed.returncode == 1
    assert "CC-BY-NC-4.0" in closed.stderr
    assert wm("corpus", "licences", "--use", "fun").returncode == 2


def test_validate_finds_a_verdict_the_contract_does_not_say(workdir, tmp_path, wm):
    assert wm("corpus", "validate", "--workdir", workdir).returncode == 0
    shutil.copytree(workdir / "artifacts", tmp_path / "artifacts")
    lie = [VerdictRow(path="plain/a.mp4", clip_id="aaaa1111", source="plain", status="accepted", reasons=[])]
    write_table(tmp_path / "artifacts" / "screen" / "verdicts.parquet", lie, VerdictRow)
    found = wm("corpus", "validate", "--workdir", tmp_path, "--json")
    assert found.returncode == 1
    problems = [check for check in json.loads(found.stdout) if check["problem"]]
    assert [problem["subject"] for problem in problems] == ["plain/a.mp4"]


def test_a_workdir_without_verdicts_is_said(tmp_path, wm):
    for command in (("corpus", "stats"), ("why", "abcd")):
        found = wm(*command, "--workdir", tmp_path)
        assert found.returncode == 2
        assert "E204" in found.stderr
        assert "Traceback" not in found.stderr


def test_contract_try_names_the_clip_that_a_looser_limit_gains(wm, workdir, tmp_path):
    import yaml

    from data_contracts.contract_loader import CONTRACTS

    content = yaml.safe_load((CONTRACTS / "clips.yaml").read_text())
    luma = next(one for one in content["quality"] if one["metric"] == "luma")
    luma["minimum"] = 2
    proposal = tmp_path / "clips.yaml"
    proposal.write_text(yaml.safe_dump(content))
    stored = sorted((path, path.read_bytes()) for path in workdir.rglob("*.parquet"))
    answer = wm("contract", "try", str(proposal), "--workdir", str(workdir), "--json")
    report = json.loads(answer.stdout)
    assert [clip["path"] for clip in report["gained"]] == ["plain/a.mp4"]
    assert report["lost"] == []
    assert sorted((path, path.read_bytes()) for path in workdir.rglob("*.parquet")) == stored
    assert "1 gained" in wm("contract", "try", str(proposal), "--workdir", str(workdir)).stdout


def test_contract_lint_fails_where_a_version_stays_behind(wm, tmp_path):
    import yaml

    from data_contracts.contract_loader import CONTRACTS

    assert wm("contract", "lint").returncode == 0
    content = yaml.safe_load((CONTRACTS / "plain.yaml").read_text())
    content["owner"] = "another"
    proposal = tmp_path / "plain.yaml"
    proposal.write_text(yaml.safe_dump(content))
    answer = wm("contract", "lint", str(proposal))
    assert answer.returncode == 1
    assert "ask for a patch one" in answer.stdout + answer.stderr
    assert "1 differences" in wm("contract", "diff", str(CONTRACTS), str(proposal)).stdout
    assert "rules.json" in wm("contract", "export", str(tmp_path / "out")).stdout


def test_corpus_diff_of_a_workdir_with_itself_is_empty(wm, workdir):
    answer = wm("corpus", "diff", str(workdir), str(workdir), "--json")
    assert json.loads(answer.stdout)["fates"] == []
    assert "no score shifts" in wm("corpus", "diff", str(workdir), str(workdir)).stdout
    assert wm("corpus", "diff", str(workdir), str(workdir / "absent")).returncode == 2
