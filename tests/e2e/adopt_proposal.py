"""A tried proposal lists exactly the clips that change, and adopting it measures those alone (Show 3 of the contracts).

``python tests/e2e/adopt_proposal.py --workdir runs/local``

On copies of a finished workdir and of the code: tries a contract with one moved threshold, counts the changes again by
brute force from the stored scores, puts the contract in force, runs until the latents, and counts the per-clip results
that each stage added to the cache.
"""

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

import polars as pl

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/helpers")]

from wm_commands import StepError, WmCommands, demand, say  # noqa: E402 - the folders are known only here

PACKAGES = ("data_contracts", "infra", "kernels", "model", "serving", "tasks", "workflows")
CONTRACT = Path("data_contracts/contracts/clips.yaml")
RULE, METRIC = "saturation", "saturation"
TIGHTER, LOOSER = 135.0, 250.0


def main() -> int:
    """A tighter threshold, then a looser one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workdir", type=Path, required=True, help="of a finished run; it is copied")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="adopt-") as scratch:
        code, work = Path(scratch) / "code", Path(scratch) / "work"
        for package in PACKAGES:
            shutil.copytree(ROOT / package, code / package, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(options.workdir, work, symlinks=True)
        try:
            for limit in (TIGHTER, LOOSER):
                adopt(WmCommands(work, code), Path(scratch) / "proposal.yaml", limit)
        except StepError as error:
            say(f"failed: {error}")
            say("0 passed, 1 failed")
            return 1
    say("2 passed, 0 failed")
    return 0


def adopt(commands: WmCommands, proposal: Path, limit: float) -> None:
    """Try a limit, put it in force, run, and compare what the trial said with what happened."""
    in_force = commands.code / CONTRACT
    text = in_force.read_text()
    current = next(line for line in text.splitlines() if f"{{id: {RULE}," in line)
    maximum = float(current.partition("maximum: ")[2].partition(",")[0])
    moved = current.replace(f"maximum: {maximum:g}", f"maximum: {limit:g}")
    proposal.write_text(text.replace(current, moved))
    before = commands.clips()
    report = commands.answer("contract", "try", str(proposal))
    told = {kind: {clip["path"] for clip in report[kind]} for kind in ("gained", "lost", "other_reasons")}
    counted = by_brute_force(commands.workdir, before, maximum, limit)
    listed = told["gained"] | told["lost"] | told["other_reasons"]
    demand(listed == counted, f"maximum {maximum:g} -> {limit:g}: the trial lists {sorted(listed)}, as counted by hand")
    shutil.copyfile(proposal, in_force)
    cached = cache_entries(commands.workdir)
    commands.wm("run", "--until", "latents")
    after = commands.clips()
    changed = {path for path in after if after[path] != before[path]}
    demand(changed <= counted, f"adopted: {sorted(changed)} changed")
    new = {stage: count - cached[stage] for stage, count in cache_entries(commands.workdir).items()}
    new = {stage: count for stage, count in new.items() if count}
    gained = {after[path]["clip_id"] for path in changed if before[path]["status"] != "accepted"}
    demand(max(new.values(), default=0) <= len(gained), f"clips measured anew {new} for {len(gained)} gained ones")


def by_brute_force(workdir: Path, clips: dict, old: float, new: float) -> set[str]:
    """Paths whose saturation lies between the limits: the rule's answer for them differs. No rule engine."""
    scores = pl.read_parquet(workdir / "artifacts" / "filter_scores" / "scores.parquet")
    found = set()
    for row in scores.iter_rows(named=True):
        exempt = clips.get(row["path"], {}).get("status") in (None, "quarantined")
        if row["metric"] == METRIC and row["scorer"] == "hsv_mean" and not exempt:
            inside = [row["value"] <= limit for limit in (old, new)]
            if inside[0] != inside[1] and bound_by_common_rule(row["path"]):
                found.add(row["path"])
    return found


def bound_by_common_rule(path: str) -> bool:
    """Sources whose own contract has a saturation rule do not read the common one."""
    source = path.partition("/")[0]
    own = ROOT / "data_contracts" / "contracts" / f"{source}.yaml"
    return not own.exists() or f"{{id: {RULE}," not in own.read_text()


def cache_entries(workdir: Path) -> Counter:
    """Stage -> per-clip results in the cache."""
    return Counter(path.parents[2].name for path in (workdir / "cache" / "clips").glob("*/*/*/record.json"))


if __name__ == "__main__":
    sys.exit(main())
