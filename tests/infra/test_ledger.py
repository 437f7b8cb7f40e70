"""The ledger holds: a changed byte, a cut line or a foreign key is seen, a killed writer loses nothing."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from data_contracts.decision import (
    Revocation,
    Standing,
    Takedown,
    VerdictChange,
    WaivedRule,
    Waiver,
    in_force,
    standing,
)
from data_contracts.errors import ErrorCode, InputError
from infra.ledger import Ledger
from infra.workdir import Workdir

TODAY = date(2026, 6, 1)
WAIVER = Waiver(clip_id="c1", rule="saturation", until=TODAY)
TAKEDOWN = Takedown(subject="plain/v1", clip_ids=["c2", "c3"])


@pytest.fixture
def ledger(tmp_path):
    made = Ledger(Workdir(tmp_path))
    made.append(WAIVER, "ann", "the neon street is meant")
    made.append(TAKEDOWN, "bob", "its author asked for it")
    made.append(Waiver(clip_id="c4", rule="flow", until=TODAY), "ann", "a slow pan, looked at")
    return made


def test_entries_come_back_in_order_and_chained(ledger):
    entries = ledger.entries()
    assert [entry.sequence for entry in entries] == [1, 2, 3]
    assert [entry.by for entry in entries] == ["ann", "bob", "ann"]
    assert entries[0].previous == ""
    assert len({entry.previous for entry in entries}) == 3


def test_an_empty_workdir_decides_nothing(tmp_path):
    assert Ledger(Workdir(tmp_path)).entries() == []
    assert not (tmp_path / "ledger").exists()


def test_a_waiver_holds_until_its_last_day(ledger):
    entries = ledger.entries()
    assert in_force(entries, TODAY).waived == (
        WaivedRule(clip_id="c1", rule="saturation"), WaivedRule(clip_id="c4", rule="flow"),
    )  # fmt: skip
    after = in_force(entries, TODAY + timedelta(days=1))
    assert after.waived == ()
    assert after.taken_down == ("plain/v1",)
    assert standing(entries[0], entries, TODAY + timedelta(days=1)) is Standing.EXPIRED


def test_a_longer_waiver_is_the_same_decision(ledger):
    before = in_force(ledger.entries(), TODAY)
    ledger.append(WAIVER.model_copy(update={"until": TODAY + timedelta(days=9)}), "ann", "still meant that way")
    assert in_force(ledger.entries(), TODAY) == before


def test_a_revoked_decision_no_longer_counts(ledger):
    ledger.append(Revocation(revokes=2), "bob", "it was the wrong video")
    entries = ledger.entries()
    assert in_force(entries, TODAY).taken_down == ()
    assert standing(entries[1], entries, TODAY) is Standing.REVOKED


def test_every_changed_byte_breaks_it(ledger):
    path = ledger.root / "ledger.jsonl"
    whole = path.read_bytes()
    for place in range(len(whole)):
        if whole[place : place + 1] != b"\n":
            changed = bytearray(whole)
            changed[place] ^= 1
            path.write_bytes(bytes(changed))
            with pytest.raises(InputError) as caught:
                ledger.entries()
            assert caught.value.code is ErrorCode.SIGNATURE_INVALID
    path.write_bytes(whole)
    assert len(ledger.entries()) == 3


def test_cut_moved_and_missing_lines_are_named(ledger):
    path = ledger.root / "ledger.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    for kept, told in ((lines[:2], "cut off"), (lines[1:], "line 1"), ([lines[1], lines[0], lines[2]], "line 1")):
        path.write_text("".join(kept))
        with pytest.raises(InputError, match=told):
            ledger.entries()
    path.unlink()
    with pytest.raises(InputError, match="cut off"):
        ledger.entries()


def test_an_older_head_does_not_excuse_a_cut(ledger):
    head = (ledger.root / "head.json").read_text()
    ledger.append(Revocation(revokes=1), "ann", "no longer meant that way")
    lines = (ledger.root / "ledger.jsonl").read_text().splitlines(keepends=True)
    (ledger.root / "head.json").unlink()
    with pytest.raises(InputError, match=r"head\.json is missing"):
        ledger.entries()
    (ledger.root / "head.json").write_text(head)
    assert len(ledger.entries()) == len(lines)


def test_a_foreign_key_is_refused(ledger, tmp_path):
    other = Ledger(Workdir(tmp_path / "other"))
    other.append(WAIVER, "eve", "a friend of mine made it")
    (ledger.root / "ledger.jsonl").write_text((other.root / "ledger.jsonl").read_text())
    with pytest.raises(InputError, match="line 1: the signature"):
        ledger.entries()


def test_what_a_killed_writer_left_is_dropped(ledger):
    path = ledger.root / "ledger.jsonl"
    with path.open("a") as stream:
        stream.write('{"payload":{"seq')
    assert len(ledger.entries()) == 3
    ledger.append(Revocation(revokes=1), "ann", "no longer meant that way")
    assert len(ledger.entries()) == 4
    assert path.read_text().endswith("\n")


def test_a_line_whose_head_was_never_written_counts(tmp_path):
    ledger = Ledger(Workdir(tmp_path))
    ledger.append(WAIVER, "ann", "the neon street is meant")
    (ledger.root / "head.json").unlink()
    assert len(ledger.entries()) == 1


def test_equal_entries_are_equal_bytes(tmp_path):
    at = datetime(2026, 1, 1, tzinfo=UTC)
    first, second = Ledger(Workdir(tmp_path / "a")), Ledger(Workdir(tmp_path / "b"))
    first.append(WAIVER, "ann", "the neon street is meant", at)
    (tmp_path / "b" / "keys").mkdir(parents=True)
    for name in ("signing.key", "signing.pub"):
        (tmp_path / "b" / "keys" / name).write_bytes((tmp_path / "a" / "keys" / name).read_bytes())
    (tmp_path / "b" / "keys" / "signing.key").chmod(0o600)
    second.append(WAIVER, "ann", "the neon street is meant", at)
    assert (first.root / "ledger.jsonl").read_bytes() == (second.root / "ledger.jsonl").read_bytes()


def test_a_reason_must_say_something(tmp_path):
    with pytest.raises(InputError, match="reason"):
        Ledger(Workdir(tmp_path)).append(WAIVER, "ann", "ok")


def test_a_verdict_change_decides_nothing(ledger):
    body = VerdictChange(
        before="", after="x.dir", clips=4, accepted_before=0, accepted_after=3, gained=3, lost=0, other_reasons=1,
        changes="0" * 64,
    )  # fmt: skip
    ledger.append(body, "wm run", "run x made new verdicts")
    entries = ledger.entries()
    assert standing(entries[-1], entries, TODAY) is Standing.RECORDED
    assert json.loads(entries[-1].model_dump_json())["body"]["kind"] == "verdicts"
