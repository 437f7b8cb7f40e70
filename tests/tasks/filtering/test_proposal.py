"""A proposal lists exactly the clips whose fate changes, counted again by hand."""

import random
from pathlib import Path

import pytest

from data_contracts.clip import ClipRow, ClipStatus
from data_contracts.contract import Contract, Origin, QualityRule
from data_contracts.contract_loader import ContractSet
from data_contracts.quality import ScoreRow
from tasks.filtering.proposal import try_proposal
from tasks.filtering.report import Corpus, count
from tasks.filtering.verdicts import judge, score_frame, verdicts
from tasks.vision.near_misses import NEAR

FACTS = {"apiVersion": "v3.0.2", "kind": "DataContract", "name": "n", "version": "1.0.0", "status": "active"}
FACTS |= {"owner": "o", "licence": "l", "description": "d"}


def contracts(limit, other=0.9):
    rules = [
        QualityRule(id=name, version=1, metric=name, scorer="s", maximum=maximum, origin=Origin.OURS, reason="test",
                    stage="screen")
        for name, maximum in (("motion", limit), ("blur", other), ("never_measured", 0.5))
    ]  # fmt: skip
    return ContractSet(Contract(id="c", quality=rules, **FACTS), {})


@pytest.fixture
def corpus():
    draw = random.Random(0)
    rows = [
        ClipRow(path=f"{index:03}.mp4", source="plain", clip_id=f"{index:03}", raw_frames=17, fps=16.0)
        for index in range(200)
    ]
    rows[7] = ClipRow(path="007.mp4", source="plain", status=ClipStatus.QUARANTINED, reasons=["media_empty"])
    scores = [
        ScoreRow(clip_id=row.clip_id, path=row.path, metric=metric, scorer="s", scorer_version="1", resolution="source",
                 value=draw.random())
        for row in rows
        for metric in ("motion", "blur")
        if (row.path, metric) != ("011.mp4", "blur")
    ]  # fmt: skip
    frame = score_frame(scores)
    found = verdicts(rows, judge(rows, frame, contracts(0.5), ("screen",)))
    return Corpus(rows, frame, found, ("screen",), (Path("nowhere"),)), scores


def fate(scores, path, limit, other=0.9):
    """The rules, without polars."""
    values = {score.metric: score.value for score in scores if score.path == path}
    failed = sorted(name for name, maximum in (("motion", limit), ("blur", other)) if values.get(name, 0.0) > maximum)
    status = "rejected" if failed else "accepted"
    return ("quarantined" if path == "007.mp4" else status), failed


@pytest.mark.parametrize("limit", [0.3, 0.5, 0.7])
def test_exactly_the_clips_that_change_by_brute_force(corpus, limit):
    held, scores = corpus
    report = try_proposal(held, contracts(0.5), contracts(limit))
    before = {row.path: fate(scores, row.path, 0.5) for row in held.rows}
    after = {row.path: fate(scores, row.path, limit) for row in held.rows}
    changed = {path for path in before if before[path] != after[path]}
    gained = {path for path in changed if after[path][0] == "accepted"}
    lost = {path for path in changed if before[path][0] == "accepted"}
    assert {clip.path for clip in report.gained} == gained
    assert {clip.path for clip in report.lost} == lost
    assert {clip.path for clip in report.other_reasons} == changed - gained - lost
    assert (limit == 0.5) == (not changed)
    assert report.accepted_after - report.accepted_before == len(gained) - len(lost)
    assert report.hours_after - report.hours_before == pytest.approx(
        (len(gained) - len(lost)) * 17 / 16 / 3600, abs=1e-5
    )
    for clip in [*report.gained, *report.lost, *report.other_reasons]:
        assert (clip.before, clip.reasons_before) == before[clip.path]
        assert (clip.after, clip.reasons_after) == after[clip.path]


def test_a_clip_that_still_has_to_be_measured_says_so(corpus):
    held, _ = corpus
    report = try_proposal(held, contracts(-1.0), contracts(2.0))
    waiting = {clip.path: clip.unmeasured for clip in report.gained if clip.unmeasured}
    assert waiting == {"011.mp4": ["blur"]}


def test_near_misses_are_those_within_five_percent_that_no_other_rule_rejects(corpus):
    held, scores = corpus
    found = {(miss.path, miss.metric, miss.outcome) for miss in count(held, contracts(0.5)).near_misses}
    expected = set()
    for score in scores:
        limit = {"motion": 0.5, "blur": 0.9}[score.metric]
        others = [reason for reason in fate(scores, score.path, 0.5)[1] if reason != score.metric]
        readable = score.path != "007.mp4"
        if readable and abs(score.value - limit) <= NEAR * limit and not others:
            expected.add((score.path, score.metric, "fail" if score.value > limit else "pass"))
    assert found == expected
    assert {outcome for _, _, outcome in found} == {"pass", "fail"}
