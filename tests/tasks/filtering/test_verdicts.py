"""A verdict names every failed rule, and nothing that was not measured counts for or against a clip."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.clip import ClipRow, ClipStatus, ItemKind
from data_contracts.contract import Contract, Origin, QualityRule
from data_contracts.contract_loader import ContractSet
from data_contracts.quality import ScoreRow
from tasks.filtering.verdicts import judge, score_frame, verdicts

NAN_FREE = st.floats(-100, 100, allow_nan=False)


def rule(name, **values):
    filled = {"metric": name, "scorer": "s", "origin": Origin.OURS, "reason": "test", "stage": "screen"}
    return QualityRule(id=name, version=1, **(filled | values))


def contracts(*rules, source="plain"):
    facts = {"apiVersion": "v3.0.2", "kind": "DataContract", "name": "n", "version": "1.0.0", "status": "active"}
    facts |= {"owner": "o", "licence": "l", "description": "d"}
    common = Contract(id="c", quality=list(rules), **facts)
    return ContractSet(common, {source: Contract(id="p", source=source, extends="c", **facts)})


def clip(path="a.mp4", **values):
    return ClipRow(path=path, source="plain", clip_id=path[:1], **values)


def score(metric, value, path="a.mp4", resolution="192x320@16", scorer="s"):
    return ScoreRow(
        clip_id=path[:1],
        path=path,
        metric=metric,
        scorer=scorer,
        scorer_version="1",
        resolution=resolution,
        value=value,
    )


def reasons(rows, scores, *rules, stages=("screen",)):
    outcomes = judge(rows, score_frame(scores), contracts(*rules), stages)
    return [(verdict.status.value, verdict.reasons) for verdict in verdicts(rows, outcomes)]


def test_every_failed_rule_is_a_reason_once():
    rules = [rule("low", minimum=1), rule("high", maximum=2), rule("fine", minimum=0)]
    rules += [rule("ends", metric="x", minimum=0), rule("ends", metric="y", maximum=0)]
    scores = [score("low", 0), score("high", 3), score("fine", 0), score("x", -1), score("y", 1)]
    assert reasons([clip()], scores, *rules) == [("rejected", ["ends", "high", "low"])]


def test_limits_belong_to_the_range():
    both = rule("m", minimum=1, maximum=2)
    for value, status in ((1, "accepted"), (2, "accepted"), (0.999, "rejected"), (2.001, "rejected")):
        assert reasons([clip()], [score("m", value)], both)[0][0] == status


@pytest.mark.parametrize(
    ("scores", "required", "status"),
    [
        ([], True, "accepted"),  # no scorer of that name in the profile
        ([score("m", 5, scorer="other")], True, "accepted"),
        ([score("m", 5, resolution="704x1280@16")], True, "accepted"),
        ([score("m", None)], True, "rejected"),
        ([score("m", None)], False, "accepted"),
        ([score("m", 5)], False, "rejected"),
    ],
)
def test_what_counts_as_measured(scores, required, status):
    bound = rule("m", maximum=1, resolution="192x320@16", required=required)
    assert reasons([clip()], scores, bound)[0][0] == status


def test_rules_of_other_stages_wait():
    late = rule("m", maximum=1, stage="filter")
    assert reasons([clip()], [score("m", 5)], late)[0][0] == "accepted"
    assert reasons([clip()], [score("m", 5)], late, stages=("screen", "filter"))[0][0] == "rejected"


def test_statuses():
    bad = clip("b.mp4", status=ClipStatus.QUARANTINED, reasons=["media_empty"])
    scene = clip("c", kind=ItemKind.SPLAT_SCENE)
    media = rule("media_empty", maximum=0)
    found = reasons([clip(), bad, scene], [score("media_empty", 1, "b.mp4")], media)
    assert found == [("accepted", []), ("quarantined", ["media_empty"]), ("ready", [])]


def test_no_clips_give_an_empty_table():
    assert judge([], score_frame([]), contracts(rule("m", maximum=1)), ("screen",)).height == 0


@settings(max_examples=30, deadline=None)
@given(value=NAN_FREE, limit=NAN_FREE, wider=st.floats(0, 50))
def test_a_wider_range_never_rejects_more(value, limit, wider):
    strict = reasons([clip()], [score("m", value)], rule("m", maximum=limit))
    lenient = reasons([clip()], [score("m", value)], rule("m", maximum=limit + wider))
    assert (strict[0][0], lenient[0][0]) != ("accepted", "rejected")


@settings(max_examples=20, deadline=None)
@given(values=st.lists(NAN_FREE, min_size=1, max_size=8))
def test_the_join_equals_a_loop(values):
    rows = [clip(f"{index}.mp4") for index in range(len(values))]
    scores = [score("m", value, row.path) for row, value in zip(rows, values, strict=True)]
    outcomes = judge(rows, score_frame(scores), contracts(rule("m", minimum=-3, maximum=7)), ("screen",))
    expected = {row.path for row, value in zip(rows, values, strict=True) if not -3 <= value <= 7}
    assert set(outcomes.filter(pl.col("outcome") == "fail")["path"].to_list()) == expected


@settings(max_examples=20, deadline=None)
@given(values=st.lists(NAN_FREE, min_size=2, max_size=8), random=st.randoms(use_true_random=False))
def test_order_and_partition_never_matter(values, random):
    rows = [clip(f"{index}.mp4") for index in range(len(values))]
    scores = [score("m", value, row.path) for row, value in zip(rows, values, strict=True)]
    bound = contracts(rule("m", minimum=-3, maximum=7))
    whole = judge(rows, score_frame(scores), bound, ("screen",))
    mixed_rows, mixed_scores = random.sample(rows, len(rows)), random.sample(scores, len(scores))
    assert judge(mixed_rows, score_frame(mixed_scores), bound, ("screen",)).equals(whole)
    cut = random.randrange(1, len(rows))
    parts = [judge(some, score_frame(scores), bound, ("screen",)) for some in (rows[:cut], rows[cut:])]
    assert pl.concat(parts).sort("path", "rule", "metric", "scorer").equals(whole)
