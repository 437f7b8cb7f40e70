"""Waiver, expiry, licence block, takedown and a torn ledger, end to end on a finished run (Show 7 of the contracts).

``python tests/e2e/steward.py --workdir runs/local [--replan]``

Works on a copy of the workdir through the command line alone. With ``--replan`` the clip that is taken down is trained
out again (every stage from the screen on, some minutes). One line a step; exits 1 at the first that does not hold.
"""

import argparse
import json
import shutil
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/helpers")]

from wm_commands import StepError, WmCommands, demand, say  # noqa: E402 - the folders are known only here

from data_contracts.decision import Waiver  # noqa: E402
from infra.ledger import Ledger  # noqa: E402
from infra.workdir import Workdir  # noqa: E402

REASON = "looked at by hand: the colours are meant"


def main() -> int:
    """Every step in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workdir", type=Path, required=True, help="of a finished run; it is copied")
    parser.add_argument("--replan", action="store_true", help="also run everything anew without the clip")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="steward-") as scratch:
        copy = Path(scratch) / "work"
        shutil.copytree(options.workdir, copy, symlinks=True)
        steward = WmCommands(copy)
        try:
            licence_block(steward)
            waiver_and_expiry(steward)
            takedown(steward, replan=options.replan)
            torn_ledger(steward)
        except StepError as error:
            say(f"failed: {error}")
            say("0 passed, 1 failed")
            return 1
    say("5 passed, 0 failed")
    return 0


def licence_block(steward: WmCommands) -> None:
    """A release for a use that clips in its closure forbid is blocked, and they are named."""
    told = steward.wm("run", "--from", "release", "--use", "commercial", code=1)
    demand("E403" in told and "CC-BY-NC" in told, f"the licence block names what forbids the use: {told.strip()}")


def waiver_and_expiry(steward: WmCommands) -> None:
    """A waived clip is accepted, one clip is measured anew, and without the waiver all is as before."""
    before = steward.clips()
    path = next(one for one, clip in before.items() if clip["reasons"] == ["saturation"])
    clip_id = before[path]["clip_id"]
    told = steward.wm("waive", clip_id, "licence_forbidden", "--reason", REASON, "--until", day(9), code=2)
    demand("no waiver can lift it" in told, "a licence cannot be waived")
    steward.wm("waive", clip_id, "saturation", "--reason", REASON, "--until", day(9))
    planned = {one["name"] for one in steward.answer("plan", "--until", "filter")["stages"] if one["status"] == "miss"}
    ran = steward.statuses("--until", "filter")
    executed = {name for name, status in ran.items() if status == "executed"}
    demand(executed == {"screen", "pose", "filter"} and executed <= planned, f"plan {planned}, executed {executed}")
    after = steward.clips()
    changed = [one for one in after if after[one] != before.get(one)]
    demand(changed == [path] and after[path]["status"] == "accepted", f"changed: {changed}")
    explained = steward.answer("why", clip_id)
    demand([one["body"]["kind"] for one in explained["decisions"]] == ["waiver"], "why shows the waiver")
    steward.wm("ledger", "revoke", "2", "--reason", "not meant after all")
    Ledger(Workdir(steward.workdir)).append(
        Waiver(clip_id=clip_id, rule="saturation", until=today() - timedelta(days=1)), "a steward", REASON
    )
    demand("expired" in steward.wm("ledger", "show"), "the ledger shows the expired waiver")
    ran = steward.statuses("--until", "filter")
    demand(set(ran.values()) == {"cached"}, f"an expired waiver and a revoked one change nothing: {ran}")
    demand(steward.clips() == before, "verdicts are those from before the waiver")


def takedown(steward: WmCommands, *, replan: bool) -> None:
    """A tombstone names every holder, blocks the release, and a new plan goes without the clip."""
    path, clip_id = next(
        (one, clip["clip_id"]) for one, clip in steward.clips().items() if clip["status"] == "accepted"
    )
    report = steward.answer("takedown", clip_id, "--reason", "its author asked for it")
    version = json.loads((steward.workdir / "artifacts" / "release" / "model_version.json").read_text())
    trained = {holding["artifact"] for holding in report["checkpoints"]}
    demand(report["served"] == [f"{version['name']}/{version['version']}"], f"served: {report['served']}")
    demand(all(shard["parts"] for shard in report["shards"]) and report["shards"], "the shard is named")
    demand({"vae_adaptation", "self_forcing", "refiner_lora"} <= trained, f"checkpoints: {sorted(trained)}")
    told = steward.wm("run", "--from", "release", code=1)
    demand("E405" in told and clip_id in told, f"the release is blocked: {told.strip()}")
    ran = steward.statuses("--until", "filter")
    demand(ran["screen"] == ran["filter"] == "executed", f"judged anew: {ran}")
    demand(steward.clips()[path]["reasons"] == ["taken_down"], "the clip is rejected as taken_down")
    told = steward.wm("run", "--from", "release", code=1)
    demand("E405" in told, "still blocked: the checkpoints were trained on it")
    if replan:
        ran = steward.statuses()
        version = json.loads((steward.workdir / "artifacts" / "release" / "model_version.json").read_text())
        demand(ran["release"] == "executed" and clip_id not in version["clip_ids"], "released without the clip")


def torn_ledger(steward: WmCommands) -> None:
    """A changed byte in the ledger stops every run."""
    path = steward.workdir / "ledger" / "ledger.jsonl"
    text = path.read_text()
    path.write_text(text.replace("a steward", "a stranger", 1))
    demand("E402" in steward.wm("run", "--until", "filter", code=2), "a run refuses a changed ledger")
    path.write_text(text)


def today() -> date:
    """The day as the ledger counts it."""
    return datetime.now(UTC).date()


def day(ahead: int) -> str:
    """A day as the command line takes it."""
    return str(today() + timedelta(days=ahead))


if __name__ == "__main__":
    sys.exit(main())
