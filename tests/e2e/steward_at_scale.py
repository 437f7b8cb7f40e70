"""The steward's commands on a corpus of 212,975 clips (Show 7 of the contracts): each at most 5 seconds.

``python tests/e2e/steward_at_scale.py [--rows 212975] [--out docs/benchmarks/steward.json]``

Makes a workdir whose catalogue holds a corpus of the paper's mix, its verdicts, latents, a checkpoint and a release
(tables and lineage as a run leaves them, no media), then calls the command line, and the release's gates in process.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/helpers")]

from release_recipe import recipe  # noqa: E402 - the folders are known only here
from wm_commands import WmCommands, demand, say  # noqa: E402

from data_contracts.clip import ClipRow  # noqa: E402
from data_contracts.contract_loader import load_contracts  # noqa: E402
from data_contracts.licence import Use, load_licences  # noqa: E402
from data_contracts.provenance import LatestPointer, Provenance  # noqa: E402
from data_contracts.release import ModelVersion  # noqa: E402
from infra.catalog import Catalog, manifest_digest  # noqa: E402
from infra.checkout import Checkouts  # noqa: E402
from infra.ledger import Ledger  # noqa: E402
from infra.store import Store, scan  # noqa: E402
from infra.workdir import Workdir  # noqa: E402
from tasks.filtering.bench import RESOLUTION, STAGES, manifest  # noqa: E402
from tasks.filtering.wide import WideJudge  # noqa: E402
from tasks.release.closure import closure_clips  # noqa: E402
from tasks.release.config import ReleaseConfig  # noqa: E402
from tasks.release.gates import licence_gate, takedown_gate  # noqa: E402
from tasks.vision.tables import record_schema  # noqa: E402

LIMIT_S = 5.0
REASON = "looked at by hand: meant that way"
CLIPS_A_VIDEO = 8
LICENCES = {"plain": "CC0-1.0", "miradata": "Apache-2.0"}
PARENTS = {
    "ingest": (),
    "filter_verdicts": ("ingest",),
    "filter_accepted": ("filter_verdicts",),
    "latents": ("filter_accepted",),
    "self_forcing": ("latents",),
    "release": ("self_forcing", "latents", "filter_accepted"),
}


def main() -> int:
    """Build, call, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=212_975)
    parser.add_argument("--out", type=Path, help="JSON file of the seconds")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="steward-scale-") as scratch:
        scores = manifest(options.rows, seed=0)
        workdir = Workdir(Path(scratch) / "work")
        judged = WideJudge(load_contracts(), STAGES, RESOLUTION).judged(scores)
        build(workdir, judged, Path(scratch))
        say(f"{len(judged)} clips, {(judged['status'] == 'accepted').sum()} accepted")
        seconds = steps(workdir, scores, judged)
    record = {"rows": options.rows, "cores": os.cpu_count(), "polars": pl.__version__, "seconds": seconds}
    slow = {name: one for name, one in seconds.items() if one > LIMIT_S}
    say(json.dumps(record))
    if options.out:
        options.out.write_text(json.dumps(record, indent=1) + "\n")
    say(f"{len(seconds) - len(slow)} passed, {len(slow)} failed")
    return int(bool(slow))


def steps(workdir: Workdir, scores: pl.DataFrame, judged: pl.DataFrame) -> dict[str, float]:
    """Every command once; what each must say, and its seconds, start-up included."""
    commands, seconds = WmCommands(workdir.root), {}

    def timed(name: str, *arguments: str, code: int = 0) -> str:
        began = time.perf_counter()
        told = commands.wm(*arguments, code=code)
        seconds[name] = round(time.perf_counter() - began, 3)
        return told

    until = str(datetime.now(UTC).date() + timedelta(days=9))
    single = judged.filter(pl.col("reasons").list.len() == 1, pl.col("reasons").list.first() == "vmaf_motion").row(
        0, named=True
    )
    clip_id, rule = single["clip_id"], single["reasons"][0]
    timed("waive", "waive", clip_id, rule, "--reason", REASON, "--until", until)
    ledger = Ledger(workdir)
    began = time.perf_counter()
    after = WideJudge(load_contracts().waiving(ledger.decisions().waived), STAGES, RESOLUTION).judged(scores)
    changed = after.filter(judged["status"] != after["status"])
    seconds["verdicts with the waiver"] = round(time.perf_counter() - began, 3)
    demand(changed["clip_id"].to_list() == [clip_id], "the waiver changes one verdict of all")
    timed("revoke", "ledger", "revoke", "1", "--reason", "not meant after all")
    began = time.perf_counter()
    again = WideJudge(load_contracts().waiving(ledger.decisions().waived), STAGES, RESOLUTION).judged(scores)
    seconds["verdicts without it"] = round(time.perf_counter() - began, 3)
    demand(again.equals(judged), "without it all verdicts are as before")
    taken = judged.filter(pl.col("status") == "accepted").row(0, named=True)
    video = video_of(judged).filter(judged["clip_id"] == taken["clip_id"]).item()
    told = timed("takedown", "takedown", video, "--reason", "its author asked for it", "--json")
    report = json.loads(told.strip().splitlines()[-1])
    demand(report["served"] and report["shards"] and report["checkpoints"], f"held by {report['served']}")
    seconds["release gates"] = gates(workdir, taken["clip_id"])
    told = timed("licence block", "corpus", "licences", "--use", "commercial", code=1)
    demand("E403" in told and "sekai_game" in told, "the licences that forbid the use are named")
    timed("ledger", "ledger", "show")
    return seconds


def gates(workdir: Workdir, clip_id: str) -> float:
    """Closure, licences and tombstones as the release checks them."""
    began = time.perf_counter()
    inputs = {name: workdir.artifact(name) for name in ("self_forcing", "latents", "filter_accepted")}
    clips = closure_clips(workdir, inputs, [])
    config = ReleaseConfig.model_validate(recipe() | {"use": Use.COMMERCIAL})
    licence = licence_gate(clips, load_licences(), config)
    tombstones = takedown_gate(clips, Ledger(workdir).decisions().taken_down)
    took = time.perf_counter() - began
    demand(not licence.passed and not tombstones.passed, f"gates: {tombstones.detail}; {licence.detail[:80]}...")
    demand(clip_id in {clip.clip_id for clip in clips}, f"{len(clips)} clips in the closure")
    return round(took, 3)


def video_of(judged: pl.DataFrame) -> pl.Series:
    """The source video of each clip: eight listed one after another share a number."""
    number = pl.int_range(pl.len()) // CLIPS_A_VIDEO
    return judged.select(pl.format("{}/{}", "source", number.cast(pl.String).str.zfill(8))).to_series()


def build(workdir: Workdir, judged: pl.DataFrame, scratch: Path) -> None:
    """Artifacts with lineage, as a run leaves them."""
    licence = pl.col("source").replace_strict(LICENCES, default="CC-BY-NC-4.0")
    listed = judged.select("path", "source", "clip_id").with_columns(source_video_id=video_of(judged), licence=licence)
    defaults = {name: field.default for name, field in ClipRow.model_fields.items()}
    schema = record_schema(ClipRow)
    columns = [
        pl.col(name) if name in listed.columns else pl.lit(_plain(defaults[name]), dtype=kind).alias(name)
        for name, kind in schema.items()
    ]
    accepted = listed.join(judged.filter(pl.col("status") == "accepted").select("path"), on="path", how="semi")
    index = accepted.select("clip_id", "source_video_id", "source", "licence").with_columns(
        shard=(pl.int_range(pl.len()) % 256).cast(pl.String).str.zfill(5)
    )
    version = ModelVersion(
        name="sana-wm", version="0123456789ab", bundle="", weights="", use="research", numerics="v2",
        clip_ids=sorted(accepted["clip_id"].to_list()), licences=[], metrics={},
    )  # fmt: skip
    tables: dict[str, Mapping[str, pl.DataFrame | bytes]] = {
        "ingest": {"clips.parquet": listed.select(columns)},
        "filter_verdicts": {"verdicts.parquet": judged},
        "filter_accepted": {"accepted.parquet": accepted},
        "latents": {"index.parquet": index},
        "self_forcing": {"model.safetensors": b"weights"},
        "release": {"model_version.json": version.model_dump_json().encode()},
    }
    ids: dict[str, str] = {}
    for name, files in tables.items():
        folder = scratch / name
        folder.mkdir()
        for file, content in files.items():
            if isinstance(content, bytes):
                (folder / file).write_bytes(content)
            else:
                content.write_parquet(folder / file)
        ids[name] = _publish(workdir, name, folder, {parent: ids[parent] for parent in PARENTS[name]})
    empty = pl.DataFrame(schema=schema)
    (workdir.artifacts / "splat").mkdir(parents=True)
    empty.write_parquet(workdir.artifacts / "splat" / "clips.parquet")


def _plain(value: object) -> object:
    """A default as polars takes it; a required field gets nothing."""
    return value if isinstance(value, str | int | float) else None


def _publish(workdir: Workdir, name: str, folder: Path, inputs: dict[str, str]) -> str:
    catalog, store = Catalog(workdir.catalog), Store(workdir.objects)
    found = scan(folder)
    store.add(folder, found)
    catalog.add_manifest(found)
    Checkouts(workdir, store).install(name, found, folder)
    facts = dict.fromkeys(("key", "code_digest", "config_digest", "resources_digest", "flyte_execution", "note"), "")
    catalog.add_provenance(
        Provenance(
            artifact=name, id=found.id, manifest_digest=manifest_digest(found), stage=name, inputs=inputs, reads={},
            siblings={name: found.id}, config={}, packages={}, environment={}, mlflow_run=f"{name}-run", git_commit="",
            started_at="2026-01-01T00:00:00+00:00", seconds=1, items=1, metrics={}, **facts,
        )
    )  # fmt: skip
    catalog.move_latest(LatestPointer(artifact=name, id=found.id, stage=name, key=""))
    return found.id


if __name__ == "__main__":
    sys.exit(main())
