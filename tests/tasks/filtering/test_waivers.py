"""A waiver lifts one rule for one clip, in the long and in the wide tables, and only where that is allowed."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from data_contracts.clip import ClipRow, ClipStatus
from data_contracts.contract_loader import load_contracts
from data_contracts.decision import WaivedRule
from data_contracts.errors import InputError
from data_contracts.quality import Outcome, ScoreRow, VerdictRow
from tasks.filtering.expectations import column_of
from tasks.filtering.facts import takedown_score
from tasks.filtering.verdict_changes import verdict_changes
from tasks.filtering.verdicts import judge, score_frame, verdicts
from tasks.filtering.waiver import checked_waiver
from tasks.filtering.wide import WideJudge
from tasks.vision.tables import to_frame, write_table

STAGES = ("ingest", "screen", "filter")
ROWS = [ClipRow(path=f"plain/{name}.mp4", clip_id=name * 8, source="plain") for name in "abc"]
TOMORROW = str(datetime.now(UTC).date() + timedelta(days=1))


def score(row, metric, scorer, value):
    return ScoreRow(
        clip_id=row.clip_id, path=row.path, metric=metric, scorer=scorer, scorer_version="1", resolution="192x320@16",
        value=value,
    )  # fmt: skip


SCORES = score_frame(
    [
        *(score(row, "luma", "luma_mean", value) for row, value in zip(ROWS, (3.0, 4.0, 90.0), strict=True)),
        *(score(row, "saturation", "hsv_mean", value) for row, value in zip(ROWS, (90.0, 200.0, 200.0), strict=True)),
    ]
)


def decided(*waived):
    contracts = load_contracts().waiving(WaivedRule(clip_id=clip, rule=rule) for clip, rule in waived)
    outcomes = judge(ROWS, SCORES, contracts, STAGES)
    return {row.clip_id[0]: row for row in verdicts(ROWS, outcomes)}, outcomes


def test_one_rule_of_one_clip():
    found, outcomes = decided(("a" * 8, "luma_low"), ("b" * 8, "saturation"))
    assert (found["a"].status, found["a"].reasons, found["a"].waived) == (ClipStatus.ACCEPTED, [], ["luma_low"])
    assert (found["b"].status, found["b"].reasons, found["b"].waived) == (
        ClipStatus.REJECTED, ["luma_low"], ["saturation"],
    )  # fmt: skip
    assert found["c"].reasons == ["saturation"]
    lifted = outcomes.filter(pl.col("outcome") == Outcome.WAIVED.value)
    assert sorted(lifted["rule"].to_list()) == ["luma_low", "saturation"]


def test_a_waiver_of_what_passes_changes_nothing():
    assert decided(("c" * 8, "luma_low"))[0] == decided()[0]


def test_a_rule_that_may_not_be_waived_stays():
    rows = [ROWS[2].model_copy(update={"source_video_id": "plain/v"})]
    contracts = load_contracts().waiving([WaivedRule(clip_id=rows[0].clip_id, rule="taken_down")])
    scores = score_frame([takedown_score(rows[0], {"plain/v"})])
    assert verdicts(rows, judge(rows, scores, contracts, STAGES))[0].reasons == ["taken_down"]


def test_a_tombstone_of_another_clip_is_none():
    assert takedown_score(ROWS[0], {"plain/v", "b" * 8}).value == 0
    assert takedown_score(ROWS[0].model_copy(update={"clip_id": ""}), {""}).value == 0


def test_wide_verdicts_know_waivers_too():
    names = {rule.metric: column_of(rule) for rule in load_contracts().rules_of("plain") if rule.id in WANTED}
    manifest = pl.DataFrame(
        {
            "path": [row.path for row in ROWS],
            "clip_id": [row.clip_id for row in ROWS],
            "source": "plain",
            names["luma"]: [3.0, 4.0, 90.0],
            names["saturation"]: [90.0, 200.0, 200.0],
        }
    )
    waived = (("a" * 8, "luma_low"), ("b" * 8, "saturation"), ("b" * 8, "unknown_rule"))
    contracts = load_contracts().waiving(WaivedRule(clip_id=clip, rule=rule) for clip, rule in waived)
    wide = WideJudge(contracts, STAGES, "192x320@16").judged(manifest)
    expected = list(decided(*waived)[0].values())
    assert wide["status"].to_list() == [one.status.value for one in expected]
    assert wide["reasons"].to_list() == [one.reasons for one in expected]
    assert wide["waived"].to_list() == [one.waived for one in expected]


WANTED = {"luma_low", "saturation"}


@pytest.fixture
def artifacts(tmp_path):
    (tmp_path / "filter_verdicts").mkdir()
    write_table(tmp_path / "filter_verdicts" / "verdicts.parquet", list(decided()[0].values()), VerdictRow)
    return tmp_path


def test_a_waiver_names_the_whole_clip_id(artifacts):
    for name in ("a" * 8, "aaaa", "plain/a.mp4"):
        waiver = checked_waiver(artifacts, load_contracts(), name, "luma_low", TOMORROW)
        assert (waiver.clip_id, waiver.rule, str(waiver.until)) == ("a" * 8, "luma_low", TOMORROW)


@pytest.mark.parametrize(
    ("clip", "rule", "until", "told"),
    [
        ("zzzz", "luma_low", TOMORROW, "no readable clip"),
        ("a", "luma_low", TOMORROW, "no readable clip"),
        ("aaaa", "luma", TOMORROW, "rules are"),
        ("aaaa", "licence_forbidden", TOMORROW, "no waiver can lift it"),
        ("aaaa", "saturation", TOMORROW, "does not fail it; it fails luma_low"),
        ("aaaa", "luma_low", "2020-01-01", "allowed are days from"),
        ("aaaa", "luma_low", "2126-01-01", "allowed are days from"),
        ("aaaa", "luma_low", "tomorrow", "allowed are days from"),
    ],
)
def test_what_cannot_be_waived_is_named(artifacts, clip, rule, until, told):
    with pytest.raises(InputError, match=told):
        checked_waiver(artifacts, load_contracts(), clip, rule, until)


def test_changes_of_the_verdicts_clip_by_clip():
    before, after = (to_frame(list(decided(*waived)[0].values()), VerdictRow) for waived in ((), WAIVED))
    found = verdict_changes(before, after.filter(pl.col("clip_id") != "c" * 8))
    assert found.table["path"].to_list() == [row.path for row in ROWS]
    assert found.table["before"].to_list() == ["rejected"] * 3
    assert found.table["after"].to_list() == ["accepted", "rejected", "absent"]
    assert (found.gained, found.lost, found.other_reasons) == (1, 0, 2)
    assert (found.accepted_before, found.accepted_after, found.clips) == (0, 1, 2)
    first = verdict_changes(None, after)
    assert first.table["before"].to_list() == ["absent"] * 3
    assert first.gained == first.accepted_after == 1
    assert verdict_changes(after, after).table.is_empty()


WAIVED = (("a" * 8, "luma_low"), ("b" * 8, "saturation"))
