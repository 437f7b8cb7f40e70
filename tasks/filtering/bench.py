"""Time verdicts of manifests of the paper's mix on this machine: ``python -m tasks.filtering.bench --out FILE``.

A manifest is drawn to the mix of Table 1, with values, identities and paths like those that the stages store, and
written a million rows a file; a process of its own then judges every file into another. Reported are rows a second,
rule evaluations a second and the process's peak memory; for the smaller manifest also the Great Expectations report of
the same rows. Writes one JSON file.
"""

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data_contracts.contract import QualityRule
from data_contracts.contract_loader import load_contracts
from tasks.filtering.expectations import column_of, write_data_docs
from tasks.filtering.wide import WideJudge
from tasks.filtering.wide_table import write_wide

MIX = {
    "spatialvid": 158_369,
    "dl3dv_gs": 14_881,
    "omniworld": 1_720,
    "sekai_game": 3_560,
    "sekai_walking": 9_767,
    "miradata": 18_987,
    "plain": 5_691,
}
"""Clips a source, Table 1; DL3DV's own captures, which have no contract here, count as plain ones."""
STAGES, RESOLUTION = ("ingest", "screen", "filter"), "192x320@16"
FILE_ROWS = 1_000_000
ID_LENGTH = 16
"""Hexadecimal digits of a clip's identity."""
COUNTS = frozenset({"scene_cuts", "entities", "quality_flag"})
"""Metrics that are whole numbers, beside all those of which a clip may have none."""
DECIMALS = 6
"""Of a stored score that is no count."""


def manifest(rows: int, seed: int) -> pl.DataFrame:
    """Clips of the mix; most of a metric's values lie inside its range, one in fifty beyond an end of it."""
    draw = np.random.default_rng(seed)
    shares = np.array(list(MIX.values())) / sum(MIX.values())
    parts = []
    for source, count in zip(MIX, draw.multinomial(rows, shares), strict=True):
        columns: dict[str, Any] = {}
        for rule in load_contracts().rules_of(source):
            columns.setdefault(column_of(rule), values_of(rule, count, draw))
        parts.append(pl.DataFrame({"source": [source] * count, **columns}))
    table = pl.concat(parts, how="diagonal").sample(fraction=1.0, shuffle=True, seed=seed)
    digits = draw.bytes(ID_LENGTH // 2 * rows).hex()
    ids = pl.Series([digits[start : start + ID_LENGTH] for start in range(0, len(digits), ID_LENGTH)])
    return table.select(path=pl.format("{}/{}.mp4", "source", ids), clip_id=ids, source="source").hstack(
        table.drop("source")
    )


def values_of(rule: QualityRule, count: int, draw: np.random.Generator) -> NDArray[np.float64]:
    """So many scores of a rule's metric, one in fifty of them outside of its range."""
    low = rule.minimum if rule.minimum is not None else min(0.0, rule.maximum or 0.0)
    high = rule.maximum if rule.maximum is not None else low + max(1.0, abs(low))
    if rule.metric in COUNTS or (rule.maximum == 0 and rule.minimum is None):
        low, high = math.ceil(low), math.floor(high)
        values = draw.integers(low, high, count, endpoint=True).astype(float)
    else:
        values = draw.uniform(low, high, count).round(DECIMALS)
    values[draw.random(count) < 1 / 50] = high + 1 if rule.maximum is not None else low - 1
    return values


def evaluations(rows: int) -> int:
    """Rule evaluations that judging so many rows of the mix takes."""
    contracts = load_contracts()
    mean = sum(len(contracts.rules_of(source)) * count for source, count in MIX.items()) / sum(MIX.values())
    return round(rows * mean)


def judge_folder(folder: Path) -> dict[str, float]:
    """Judge every file of a folder; what it took and the process's peak memory."""
    engine = WideJudge(load_contracts(), STAGES, RESOLUTION)
    began = time.perf_counter()
    rows = engine.judge_files({file: folder / f"verdicts_{file.name}" for file in sorted(folder.glob("in_*.parquet"))})
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"rows": rows, "seconds": seconds, "peak_gib": peak}


def measured(rows: int, folder: Path) -> dict[str, float]:
    """Write a manifest, then judge it in a process of its own, three times; the median."""
    for start in range(0, rows, FILE_ROWS):
        part = manifest(min(FILE_ROWS, rows - start), seed=start // FILE_ROWS)
        write_wide(folder / f"in_{start // FILE_ROWS:04}.parquet", part)
    call = [sys.executable, "-m", "tasks.filtering.bench", "--judge", str(folder)]
    runs = [json.loads(subprocess.run(call, check=True, capture_output=True, text=True).stdout) for _ in range(3)]
    run = sorted(runs, key=lambda one: one["seconds"])[1]
    rate = {"rows_per_second": run["rows"] / run["seconds"]}
    return run | rate | {"evaluations_per_second": evaluations(rows) / run["seconds"]}


def report_seconds(folder: Path) -> float:
    """Seconds of the Great Expectations report of a folder's manifest, its import included."""
    table = pl.concat([pl.read_parquet(file) for file in sorted(folder.glob("in_*.parquet"))])
    began = time.perf_counter()
    write_data_docs(table, folder / "docs")
    return time.perf_counter() - began


def main(arguments: list[str] | None = None) -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="the JSON file")
    parser.add_argument("--rows", type=int, nargs="+", default=[sum(MIX.values()), 10_000_000])
    parser.add_argument("--judge", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.judge is not None:
        sys.stdout.write(json.dumps(judge_folder(options.judge)))
        return
    record: dict[str, Any] = {"cores": os.cpu_count(), "polars": pl.__version__, "manifests": []}
    for index, rows in enumerate(options.rows):
        with tempfile.TemporaryDirectory() as scratch:
            row = measured(rows, Path(scratch))
            if index == 0:
                row["report_seconds"] = report_seconds(Path(scratch))
            record["manifests"].append(row)
            sys.stdout.write(f"{row}\n")
            sys.stdout.flush()
    if options.out is not None:
        options.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
