"""Wide verdicts are those of the long tables, whatever the order and the partition."""

import numpy as np
import polars as pl
import pytest

from data_contracts.clip import ClipRow
from data_contracts.contract_loader import load_contracts
from data_contracts.quality import ScoreRow
from tasks.filtering import bench
from tasks.filtering.expectations import column_of
from tasks.filtering.verdicts import judge, score_frame, verdicts
from tasks.filtering.wide import KEYS, WideJudge

RESOLUTION = "192x320@16"
STAGES = ("ingest", "screen", "filter")


@pytest.fixture(scope="module")
def manifest():
    """Two hundred clips of every source; each metric inside, outside, at a limit, unmeasured or impossible."""
    contracts, draw = load_contracts(), np.random.default_rng(0)
    sources = sorted(contracts.by_source)
    rows = []
    for index in range(200 * len(sources)):
        source = sources[index % len(sources)]
        row = {"path": f"{index:05}.mp4", "clip_id": f"{index:05}", "source": source}
        for rule in contracts.rules_of(source):
            limits = [one for one in (rule.minimum, rule.maximum) if one is not None]
            middle = float(np.mean(limits))
            options = [middle, *limits, min(limits) - 1, max(limits) + 1, None, float("nan")]
            chances = [0.86, *[0.02] * len(limits), 0.02, 0.02, 0.06 - 0.02 * len(limits) + 0.02, 0.02]
            chances[-2] += 1 - sum(chances)
            row.setdefault(column_of(rule), options[draw.choice(len(options), p=chances)])
        rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)


def wide(manifest):
    return WideJudge(load_contracts(), STAGES, RESOLUTION).judged(manifest)


def long(manifest):
    """Through the tables that the stages use."""
    rows, scores = [], []
    for row in manifest.iter_rows(named=True):
        rows.append(ClipRow(path=row["path"], clip_id=row["clip_id"], source=row["source"]))
        for column, value in row.items():
            if column not in KEYS and value is not None:
                metric, scorer = column.split(" by ")
                scores.append(
                    ScoreRow(clip_id=row["clip_id"], path=row["path"], metric=metric, scorer=scorer, scorer_version="1",
                             resolution=RESOLUTION, value=None if np.isnan(value) else value)
                )  # fmt: skip
    return verdicts(rows, judge(rows, score_frame(scores), load_contracts(), STAGES))


def test_the_same_verdicts_as_the_long_tables(manifest):
    found = wide(manifest)
    expected = long(manifest)
    assert found["status"].to_list() == [one.status.value for one in expected]
    assert found["reasons"].to_list() == [one.reasons for one in expected]
    assert set(found["status"]) == {"accepted", "rejected"}


def test_order_and_partition_do_not_matter(manifest, tmp_path):
    whole = wide(manifest)
    mixed = manifest.sample(fraction=1.0, shuffle=True, seed=1)
    assert wide(mixed).sort("path").equals(whole)
    engine, parts = WideJudge(load_contracts(), STAGES, RESOLUTION), []
    for index, start in enumerate(range(0, len(manifest), 333)):
        manifest[start : start + 333].write_parquet(tmp_path / f"{index}.parquet")
        assert engine.judge_file(tmp_path / f"{index}.parquet", tmp_path / f"out{index}.parquet") > 0
        parts.append(pl.read_parquet(tmp_path / f"out{index}.parquet"))
    assert pl.concat(parts).equals(whole)
    assert not list(tmp_path.glob(".*"))


def test_a_rule_bound_to_another_resolution_is_not_evaluated(manifest):
    other = WideJudge(load_contracts(), STAGES, "704x1280@16").judged(manifest)
    assert other["reasons"].list.len().sum() < wide(manifest)["reasons"].list.len().sum()


def test_the_benchmark_judges_its_own_manifest(tmp_path):
    drawn = bench.manifest(700, seed=0)
    drawn.write_parquet(tmp_path / "in_0000.parquet")
    found = bench.judge_folder(tmp_path)
    assert found["rows"] == 700
    judged = pl.read_parquet(tmp_path / "verdicts_in_0000.parquet")
    assert set(judged["status"]) == {"accepted", "rejected"}
    assert set(drawn["source"]) == set(bench.MIX)
    assert bench.evaluations(700) > 700
