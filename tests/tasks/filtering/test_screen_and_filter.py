"""The two stages on a small corpus: every input has a verdict, and the accepted ones are whole."""

import shutil
from collections import Counter

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save_file
from small_sources import HEIGHT, WIDTH, describe, moving_frames, trajectory, write_rows

from data_contracts.camera import PoseReason, PoseRow, PoseStatus
from data_contracts.clip import AcceptedRow, ClipRow, PoseMode
from data_contracts.contract_loader import load_contracts
from data_contracts.errors import InputError
from data_contracts.licence import Use, load_licences
from data_contracts.quality import ScoreRow, VerdictRow
from data_contracts.release import LicensedPart
from infra.stage import StageContext, digest_file
from tasks.filtering.config import FilterConfig, ScreenConfig
from tasks.filtering.duplicates import near_duplicate_scores
from tasks.filtering.expectations import build_data_docs
from tasks.filtering.facts import licence_score
from tasks.filtering.licences import licence_uses
from tasks.filtering.phash import clip_hash
from tasks.filtering.report import check_contracts, count, explain, read_corpus
from tasks.filtering.screen import STAGES as SCREEN_STAGES
from tasks.filtering.screen import run_screen
from tasks.filtering.stage import run_filter
from tasks.filtering.verdicts import score_frame
from tasks.ingest.config import IngestConfig
from tasks.ingest.stage import run_ingest
from tasks.vision.flow import gray_frames
from tasks.vision.tables import read_table, write_table
from tasks.vision.video import write_video

INGEST = {"fps": 16.0, "minimum_frames": 17, "maximum_frames": 81, "verify_seconds": 60, "quality": 12}
INGEST |= {"height": HEIGHT, "width": WIDTH, "depth_stride": 4, "val_percent": 10, "benchmark_percent": 5}
SCREEN = ScreenConfig(use=Use.RESEARCH, thumbnail_width=48)
FILTER = FilterConfig(use=Use.RESEARCH, thumbnail_width=48)


def make_corpus(corpus):
    """Plain clips and posed ones, with one thing wrong here and there."""
    describe(corpus / "plain", "plain")
    write_video(corpus / "plain" / "a_good.mp4", moving_frames(1, 33), 16)
    shutil.copy(corpus / "plain" / "a_good.mp4", corpus / "plain" / "b_copy.mp4")
    write_video(corpus / "plain" / "c_frozen.mp4", np.repeat(moving_frames(2, 1), 33, axis=0), 16)
    write_video(corpus / "plain" / "d_leak.mp4", moving_frames(3, 33), 16)
    (corpus / "plain" / "d_leak.json").write_text('{"caption": "The camera pans left."}')
    write_video(corpus / "plain" / "e_closed.mp4", moving_frames(4, 33), 16)
    (corpus / "plain" / "e_closed.json").write_text('{"licence": "LicenseRef-All-Rights-Reserved"}')
    (corpus / "plain" / "f_empty.mp4").write_bytes(b"")
    game = corpus / "sekai_game"
    describe(game, "sekai_game", pose_mode="gt_pose")
    for index, (name, poses, focal) in enumerate(
        (
            ("g_good", trajectory(33), 80.0),
            ("h_wide", trajectory(33), 20.0),
            ("i_rows", trajectory(30), 80.0),
            ("j_torn", trajectory(33), 80.0),
            ("k_unit", trajectory(33), 80.0 * WIDTH),
        )
    ):
        write_video(game / f"{name}.mp4", moving_frames(10 + index, 33), 16)
        k = np.array([[focal / WIDTH, 0, 0.5], [0, focal / HEIGHT, 0.5], [0, 0, 1]])
        np.savez(game / f"{name}.npz", extrinsic=poses, intrinsic=np.tile(k, (len(poses), 1, 1)))
    (game / "j_torn.npz").write_bytes((game / "j_torn.npz").read_bytes()[:99])
    names = ("g_good", "h_wide", "i_rows", "j_torn", "k_unit")
    write_rows(
        game / "sekai-game.csv",
        [{"videoFile": f"{name}.mp4", "cameraFile": f"{name}.npz", "caption": "A hall."} for name in names],
    )


def write_poses(directory, rows, failed=()):
    """What the pose stage leaves for the clips the screen let through."""
    (directory / "poses").mkdir(parents=True)
    poses = []
    for row in rows:
        bad = row.path in failed
        facts = {"clip_id": row.clip_id, "path": row.path, "mode": PoseMode.DEFAULT, "engine": "e"}
        poses.append(
            PoseRow(
                **facts,
                engine_version="1",
                status=PoseStatus.FAILED if bad else PoseStatus.OK,
                reason=PoseReason.NO_RECONSTRUCTION if bad else PoseReason.NONE,
                scale_cov=None if bad else 0.1,
                fov_x_min=60,
                fov_x_max=61,
                fov_y_min=40,
                fov_y_max=41,
                focal_mismatch=0.0,
                rotation_jerk_deg=0.5,
                translation_jerk=0.2,
            )
        )
        if not bad:
            save_file({"camera_to_world": trajectory(33)}, directory / "poses" / f"{row.clip_id}.safetensors")
    write_table(directory / "poses.parquet", poses, PoseRow)


def write_empty_splat(directory):
    directory.mkdir()
    write_table(directory / "clips.parquet", [], ClipRow)
    write_table(directory / "scores.parquet", [], ScoreRow)


def run_stage(function, name, root, inputs, outputs, config):
    for output in outputs:
        (root / output).mkdir()
    context = StageContext(
        name, {i: root / i for i in inputs}, {o: root / o for o in outputs}, config, "code", root / "cache"
    )
    return function(context)


FILTERED = ("filter_accepted", "filter_verdicts", "filter_scores")


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    root = tmp_path_factory.mktemp("run")
    make_corpus(root / "corpus")
    run_stage(run_ingest, "ingest", root, ["corpus"], ["ingest"], IngestConfig(**INGEST))
    run_stage(run_screen, "screen", root, ["ingest"], ["screen"], SCREEN)
    screened = {v.path for v in read_table(root / "screen" / "verdicts.parquet", VerdictRow) if v.status == "accepted"}
    rows = [row for row in read_table(root / "ingest" / "clips.parquet", ClipRow) if row.path in screened]
    write_poses(root / "pose", rows)
    write_empty_splat(root / "splat")
    run_stage(run_filter, "filter", root, ["ingest", "screen", "pose", "splat"], FILTERED, FILTER)
    return root


EXPECTED = {
    "plain/a_good.mp4": ("accepted", []),
    "plain/b_copy.mp4": ("rejected", ["duplicate_exact"]),
    "plain/c_frozen.mp4": ("rejected", ["vmaf_motion"]),
    "plain/d_leak.mp4": ("rejected", ["caption_leak"]),
    "plain/e_closed.mp4": ("rejected", ["licence_forbidden"]),
    "plain/f_empty.mp4": ("quarantined", ["media_empty"]),
    "sekai_game/g_good.mp4": ("accepted", []),
    "sekai_game/h_wide.mp4": ("rejected", ["fov"]),
    "sekai_game/i_rows.mp4": ("rejected", ["pose_rows"]),
    "sekai_game/j_torn.mp4": ("quarantined", ["sidecar_invalid"]),
    "sekai_game/k_unit.mp4": ("quarantined", ["unit_implausible"]),
}


def test_every_input_has_the_verdict_it_deserves(artifacts):
    found = read_table(artifacts / "filter_verdicts" / "verdicts.parquet", VerdictRow)
    assert {v.path: (v.status.value, v.reasons) for v in found} == EXPECTED


def test_what_was_seen_reaches_the_counts_and_the_explanation(artifacts):
    contracts = load_contracts()
    corpus = read_corpus(artifacts)
    line = "k_unit.npz, intrinsic[0, 0] of frame 0: found 80; expected a focal length over the picture's side in "
    line += "[0.15, 10]; fix: divide the first row by the width and the second by the height"
    details = {clip.path: clip.detail for clip in count(corpus, contracts).clips}
    assert details["sekai_game/k_unit.mp4"] == line
    assert details["sekai_game/i_rows.mp4"].startswith("i_rows.npz, poses: found 30 rows; expected 33")
    assert details["sekai_game/g_good.mp4"] == ""
    (explanation,) = explain(corpus, contracts, "sekai_game/k_unit.mp4")
    assert explanation.detail == line
    (failed,) = [finding for finding in explanation.findings if finding.outcome.outcome == "fail"]
    assert (failed.outcome.rule, failed.outcome.scorer, failed.detail) == ("unit_implausible", "reader", line)


def test_accepted_rows_carry_the_digests_of_their_parts(artifacts):
    rows = read_table(artifacts / "filter_accepted" / "accepted.parquet", AcceptedRow)
    assert [row.clip_id for row in rows] == sorted({row.clip_id for row in rows})
    assert {row.source for row in rows} == {"plain", "sekai_game"}
    for row in rows:
        assert row.media_digest == digest_file(artifacts / "ingest" / "media" / f"{row.clip_id}.mp4")
        assert row.pose_digest == digest_file(artifacts / "pose" / "poses" / f"{row.clip_id}.safetensors")


def test_a_failed_pose_is_a_reason(artifacts, tmp_path):
    for name in ("ingest", "screen", "splat"):
        shutil.copytree(artifacts / name, tmp_path / name)
    clips = [r for r in read_table(artifacts / "ingest" / "clips.parquet", ClipRow) if r.path == "plain/a_good.mp4"]
    write_poses(tmp_path / "pose", clips, failed=("plain/a_good.mp4",))
    summary = run_stage(run_filter, "filter", tmp_path, ["ingest", "screen", "pose", "splat"], FILTERED, FILTER)
    found = {v.path: v.reasons for v in read_table(tmp_path / "filter_verdicts" / "verdicts.parquet", VerdictRow)}
    assert found["plain/a_good.mp4"] == ["pose_failed"]
    assert found["sekai_game/g_good.mp4"] == ["pose_failed"]  # no row at all
    assert summary.metrics["accepted"] == 0


def test_commercial_use_closes_the_gate(artifacts, tmp_path):
    shutil.copytree(artifacts / "ingest", tmp_path / "ingest")
    folder = tmp_path / "ingest" / "clips.parquet"
    rows = [r.model_copy(update={"licence": "CC-BY-NC-4.0"}) for r in read_table(folder, ClipRow)]
    write_table(folder, rows, ClipRow)
    config = SCREEN.model_copy(update={"use": Use.COMMERCIAL})
    run_stage(run_screen, "screen", tmp_path, ["ingest"], ["screen"], config)
    found = read_table(tmp_path / "screen" / "verdicts.parquet", VerdictRow)
    assert all("licence_forbidden" in verdict.reasons for verdict in found)


def test_a_clip_that_fails_already_makes_no_other_a_duplicate():
    rows = [ClipRow(path=f"plain/{n}.mp4", source="plain", clip_id=n, licence="CC0-1.0") for n in ("a", "b", "c")]
    rows[0] = rows[0].model_copy(update={"licence": "LicenseRef-All-Rights-Reserved"})
    licences = score_frame([licence_score(row, load_licences(), Use.RESEARCH) for row in rows])
    same = clip_hash(gray_frames(moving_frames(1)))
    found = near_duplicate_scores(rows, dict.fromkeys("abc", same), licences, load_contracts(), SCREEN_STAGES)
    assert [(score.path, score.value, score.detail) for score in found] == [("plain/c.mp4", 0.0, "plain/b.mp4")]


def test_thresholds_are_in_the_verdicts_and_nowhere_else(artifacts):
    outcomes = pl.read_parquet(artifacts / "filter_verdicts" / "outcomes.parquet")
    assert {"minimum", "maximum", "contract"} <= set(outcomes.columns)
    for name in ("screen/scores", "screen/verdicts", "filter_scores/scores", "filter_accepted/accepted"):
        assert not {"minimum", "maximum"} & set(pl.read_parquet(artifacts / f"{name}.parquet").columns)


def test_the_stage_gives_the_same_bytes_again(artifacts, tmp_path):
    shutil.copytree(artifacts / "ingest", tmp_path / "ingest")
    run_stage(run_screen, "screen", tmp_path, ["ingest"], ["screen"], SCREEN)
    for path in (artifacts / "screen").rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "screen" / path.relative_to(artifacts / "screen")).read_bytes()


def reasons_of(expected):
    return [(path, reasons) for path, (_, reasons) in expected.items() if reasons]


def test_counts_and_explanations(artifacts):
    corpus = read_corpus(artifacts)
    stats = count(corpus, load_contracts())
    assert {clip.path: (clip.status, clip.reasons) for clip in stats.clips} == EXPECTED
    assert stats.by_source["sekai_game"] == {"accepted": 1, "quarantined": 2, "rejected": 2}
    assert stats.by_reason["fov"] == 1
    assert stats.rejects_alone == Counter(only for _, (only, *more) in reasons_of(EXPECTED) if not more)
    explanation = explain(corpus, load_contracts(), "sekai_game/h_wide.mp4")[0]
    failed = [f for f in explanation.findings if f.outcome.outcome == "fail"]
    assert [(f.outcome.rule, f.outcome.maximum, f.outcome.origin) for f in failed] == [("fov", 120, "paper")]
    assert failed[0].outcome.value == pytest.approx(2 * np.degrees(np.arctan(WIDTH / 40)), abs=1e-3)
    assert explanation.thumbnail.endswith(f"{explanation.clip_id}.jpg")
    twins = explain(corpus, load_contracts(), stats.clips[0].clip_id[:6])
    assert [twin.path for twin in twins] == ["plain/a_good.mp4", "plain/b_copy.mp4"]
    with pytest.raises(InputError, match="is no clip"):
        explain(corpus, load_contracts(), "ffff0000ffff")


def test_checks_pass_and_a_tampered_verdict_is_found(artifacts, tmp_path):
    assert not [check for check in check_contracts(read_corpus(artifacts), load_contracts()) if check.problem]
    for name in ("ingest", "screen", "splat", "filter_scores", "filter_verdicts"):
        shutil.copytree(artifacts / name, tmp_path / name)
    path = tmp_path / "filter_verdicts" / "verdicts.parquet"
    rows = [v.model_copy(update={"reasons": []}) if "h_wide" in v.path else v for v in read_table(path, VerdictRow)]
    write_table(path, rows, VerdictRow)
    wrong = [check for check in check_contracts(read_corpus(tmp_path), load_contracts()) if check.problem]
    assert [check.subject for check in wrong] == ["sekai_game/h_wide.mp4"]


PARTS = [LicensedPart(name="ANet", licence="MIT"), LicensedPart(name="UnreadNet", licence="LicenseRef-Unread")]


def test_licences_are_counted(artifacts):
    uses = {use.licence: use for use in licence_uses(artifacts, PARTS, load_licences())}
    assert uses["CC0-1.0"].accepted == 2
    assert (uses["LicenseRef-All-Rights-Reserved"].listed, uses["LicenseRef-All-Rights-Reserved"].accepted) == (1, 0)
    assert uses["MIT"].parts == ["ANet"]
    assert (uses["LicenseRef-Unread"].allows, uses["LicenseRef-Unread"].parts) == ([], ["UnreadNet"])
    assert sum(use.listed for use in licence_uses(None, PARTS, load_licences())) == 0


def test_nothing_run_yet_is_said(tmp_path):
    with pytest.raises(InputError, match="no verdicts"):
        read_corpus(tmp_path / "artifacts")


def test_data_docs_tell_the_same_failures(artifacts, tmp_path):
    build_data_docs(artifacts / "filter_scores", artifacts / "filter_verdicts", tmp_path / "docs")
    assert (tmp_path / "docs" / "index.html").is_file()
    pages = list((tmp_path / "docs" / "validations").rglob("*.html"))
    assert len(pages) == 2
    game = next(page.read_text() for page in pages if "sekai" in str(page))
    assert "fov_largest by intrinsics" in game
    assert "Failed" in game
