"""Each gate lets a good release through and stops one broken thing, by name."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from data_contracts.clip import AcceptedRow
from data_contracts.errors import ErrorCode, OperationError
from data_contracts.licence import Use, load_licences
from data_contracts.release import LicensedPart
from tasks.release.closure import ClosureClip
from tasks.release.gates import all_gates, demand, licence_gate, takedown_gate
from tasks.vision.tables import read_table
from tasks.vision.video import write_video


def accepted(inputs):
    return read_table(inputs["filter_accepted"] / "accepted.parquet", AcceptedRow)


def clips(inputs):
    return [ClosureClip(row.clip_id, row.source_video_id, row.source, row.licence) for row in accepted(inputs)]


def gates(inputs, config):
    return all_gates(inputs, clips(inputs), load_licences(), config)


def change_json(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_good_release_passes(inputs, config):
    demand(gates(inputs, config))


def rise(inputs):
    change_json(inputs["self_forcing"] / "held_out.json", fall=-0.01)


def burst(inputs):
    change_json(inputs["self_forcing"] / "rollout.json", largest_ratio=2.5)


def fade(inputs):
    change_json(inputs["self_forcing"] / "rollout.json", smallest_ratio=0.4)


def diverge(inputs):
    change_json(inputs["self_forcing"] / "rollout.json", finite=False)


def spoil_a_weight(inputs):
    path = inputs["self_forcing"] / "model.safetensors"
    weights = load_file(path)
    name = sorted(weights)[0]
    weights[name] = torch.full_like(weights[name], float("nan"))
    save_file(weights, path)


def paint_grey(inputs):
    video = next((inputs["evaluate"] / "videos").rglob("*.mp4"))
    write_video(video, np.full((17, 64, 96, 3), 128, np.uint8), 16.0)


def freeze(inputs):
    video = next((inputs["evaluate"] / "videos").rglob("*.mp4"))
    still = np.random.default_rng(0).integers(0, 256, (1, 64, 96, 3), np.uint8)
    write_video(video, np.repeat(still, 17, axis=0), 16.0, 0)


def lose_the_videos(inputs):
    for video in (inputs["evaluate"] / "videos").rglob("*.mp4"):
        video.unlink()


def count_survivors_only(inputs):
    path = inputs["evaluate"] / "results.json"
    results = json.loads(path.read_text())
    results["scores"][0]["videos"] = 2
    path.write_text(json.dumps(results))


@pytest.mark.parametrize(
    ("damage", "gate"),
    [
        (rise, "objective_fell/self_forcing"),
        (burst, "rollout_largest_ratio"),
        (fade, "rollout_smallest_ratio"),
        (diverge, "rollout_finite"),
        (spoil_a_weight, "weights_finite"),
        (paint_grey, "video_deviation"),
        (freeze, "video_change"),
        (lose_the_videos, "videos"),
        (count_survivors_only, "scored_all_videos"),
    ],
)
def test_one_broken_thing_stops_the_release_by_name(inputs, config, damage, gate):
    damage(inputs)
    with pytest.raises(OperationError, match=gate) as caught:
        demand(gates(inputs, config))
    assert caught.value.code is ErrorCode.GATE_FAILED


def test_a_clip_that_forbids_the_use_blocks_by_name(inputs, config):
    rows = clips(inputs)
    bad = replace(rows[1], licence="CC-BY-NC-4.0", source="sekai_game")
    commercial = config.model_copy(update={"use": Use.COMMERCIAL})
    gate = licence_gate([rows[0], bad], load_licences(), commercial)
    assert not gate.passed
    assert "sekai_game (CC-BY-NC-4.0)" in gate.detail
    assert bad.clip_id in gate.detail
    with pytest.raises(OperationError) as caught:
        demand([gate])
    assert caught.value.code is ErrorCode.LICENCE_FORBIDS
    assert licence_gate([rows[0], bad], load_licences(), config).passed


def test_a_weight_of_unknown_licence_blocks_by_name(inputs, config):
    unknown = config.model_copy(update={"parts": [LicensedPart(name="SomeNet", licence="LicenseRef-Unread")]})
    gate = licence_gate(clips(inputs), load_licences(), unknown)
    assert not gate.passed
    assert "SomeNet" in gate.detail


@pytest.mark.parametrize("subject", ["clip_id", "source_video_id"])
def test_a_tombstone_in_the_closure_blocks_by_name(inputs, config, subject):
    held = clips(inputs)[1]
    gate = takedown_gate(clips(inputs), [getattr(held, subject)])
    assert not gate.passed
    assert held.clip_id in gate.detail
    with pytest.raises(OperationError) as caught:
        demand([gate])
    assert caught.value.code is ErrorCode.TAKEN_DOWN
    assert takedown_gate(clips(inputs), ["another"]).passed
