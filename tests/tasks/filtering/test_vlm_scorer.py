"""The VLM scorer against a local endpoint that misbehaves in every way seen in the wild."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scripted_endpoint import Reply, scripted_endpoint

from data_contracts.clip import ClipRow, ClipStatus
from data_contracts.contract_loader import load_contracts
from data_contracts.errors import OperationError
from data_contracts.quality import ScoreRow
from tasks.filtering.config import ModelScorers
from tasks.filtering.scorers.models import model_scorers
from tasks.filtering.scorers.protocol import StoredClip
from tasks.filtering.scorers.vlm import VlmScorer
from tasks.filtering.verdicts import judge, score_frame, verdicts
from tasks.vision.vlm_endpoint import VlmEndpoint

CLIP = StoredClip(Path("unused"), np.full((9, 16, 24, 3), 90, np.uint8), np.full((9, 16, 24), 90, np.uint8), 16.0)
FACTS = {"people": 2, "vehicles": 1, "animals": 0, "visually_poor": False, "too_dark": False, "unsuitable": False}
GOOD = Reply(json.dumps(FACTS))
TROUBLES = {
    "busy": Reply(status=503),
    "rate limited": Reply(status=429, headers={"retry-after": "0"}),
    "hangs up": Reply(hang_up=True),
    "too slow": Reply(stall_s=0.6),
    "not JSON": Reply("I see two people and a car."),
    "cut off": Reply(json.dumps(FACTS)[:40]),
    "a number as words": Reply(json.dumps(FACTS | {"people": "two"})),
    "negative": Reply(json.dumps(FACTS | {"people": -1})),
    "not a number": Reply(json.dumps(FACTS | {"animals": 0}).replace("2", "NaN")),
    "extra field": Reply(json.dumps(FACTS | {"mood": "calm"})),
    "missing field": Reply(json.dumps({"people": 2})),
    "no choices": Reply(raw=b'{"id": "1", "choices": []}'),
    "null content": Reply(raw=b'{"choices": [{"message": {"content": null}}]}'),
    "a page of HTML": Reply(raw=b"<html>gateway</html>"),
    "empty body": Reply(raw=b""),
}


def endpoint_at(url, **changes):
    return replace(VlmEndpoint(url, "m", frames=2, timeout_s=0.3, attempts=2, retry_s=0.01), **changes)


def measured(url, **changes):
    return {measure.metric: measure for measure in VlmScorer(endpoint_at(url, **changes)).measure(CLIP)}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_trouble_is_outlasted(trouble):
    with scripted_endpoint(trouble, GOOD) as (url, seen):
        found = measured(url)
    assert (found["entities"].value, found["quality_flag"].value) == (3.0, 1.0)
    assert len(seen) == 2


def test_thoughts_are_not_the_answer():
    with scripted_endpoint(Reply("<think>maybe {3}</think>\n" + GOOD.content)) as (url, _):
        assert measured(url)["entities"].value == 3.0


@pytest.mark.parametrize("fault", ["visually_poor", "too_dark", "unsuitable"])
def test_each_fault_lowers_the_flag_and_is_named(fault):
    with scripted_endpoint(Reply(json.dumps(FACTS | {fault: True}))) as (url, _):
        flag = measured(url)["quality_flag"]
    assert flag.value == 0.0
    assert flag.detail == fault.replace("_", " ")


def test_an_endpoint_that_stays_busy_stops_the_stage_and_blames_no_clip():
    with scripted_endpoint(Reply(status=503)) as (url, seen), pytest.raises(OperationError, match="HTTP 503"):
        measured(url)
    assert len(seen) == 2


def test_a_refusal_is_not_asked_again():
    with scripted_endpoint(Reply(status=401)) as (url, seen), pytest.raises(OperationError, match="HTTP 401"):
        measured(url)
    assert len(seen) == 1


def test_valid_answers_are_kept_and_others_are_not(tmp_path):
    with scripted_endpoint(Reply("nonsense"), Reply("nonsense"), GOOD) as (url, seen):
        assert measured(url, cache=tmp_path)["entities"].value is None
        assert not list(tmp_path.iterdir())
        assert measured(url, cache=tmp_path)["entities"].value == 3.0
        (kept,) = tmp_path.iterdir()
        assert measured(url, cache=tmp_path)["entities"].value == 3.0
        assert len(seen) == 3
        kept.write_text("{broken")
        assert measured(url, cache=tmp_path)["entities"].value == 3.0
        measured(url, cache=tmp_path, model="another")
        assert len(seen) == 5


def test_a_clip_without_a_valid_answer_is_rejected_with_that_reason():
    with scripted_endpoint(Reply("nonsense")) as (url, _):
        measures = VlmScorer(endpoint_at(url)).measure(CLIP)
    row = ClipRow(path="a.mp4", source="omniworld", clip_id="c1", status=ClipStatus.READY)
    scores = [
        ScoreRow(
            clip_id="c1",
            path="a.mp4",
            metric=measure.metric,
            scorer="vlm",
            scorer_version="1",
            resolution=CLIP.resolution,
            value=measure.value,
            detail=measure.detail,
            weights_digest="served:m",
        )
        for measure in measures
    ]
    assert "gave no answer of the asked form in 2 tries" in scores[0].detail
    found = verdicts([row], judge([row], score_frame(scores), load_contracts(), ("screen",)))[0]
    assert {"vlm_entity", "vlm_quality"} <= set(found.reasons)


def test_only_what_is_configured_is_made(tmp_path):
    assert model_scorers(ModelScorers()) == ()
    secret = tmp_path / "key"
    secret.write_text("token\n")
    config = ModelScorers(vlm_endpoint="http://x/v1", vlm_model="m", vlm_api_key_file=str(secret))
    (scorer,) = model_scorers(config)
    assert (scorer.name, scorer.weights) == ("vlm", "served:m")
    with scripted_endpoint(GOOD) as (url, seen):
        measured(url, api_key="token")
    assert seen[0]["headers"]["authorization"] == "Bearer token"
