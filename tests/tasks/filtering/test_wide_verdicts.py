"""Wide verdicts are those of the long tables, whatever the order and the partition."""

import hypothesis.strategies as st
import numpy as np
import polars as pl
import pytest
from hypothesis import given

from data_contracts.clip import ClipRow
from data_contracts.contract import Origin, QualityRule
from data_contracts.contract_loader import ContractSet, load_contracts
from data_contracts.decision import WaivedRule
from data_contracts.quality import ScoreRow, VerdictRow
from tasks.filtering import bench
from tasks.filtering.expectations import column_of
from tasks.filtering.verdicts import judge, score_frame, verdicts
from tasks.filtering.wide import WideJudge
from tasks.filtering.wide_table import KEYS
from tasks.vision.tables import record_schema

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


def wide(manifest, contracts=None):
    return WideJudge(contracts or load_contracts(), STAGES, RESOLUTION).judged(manifest)


def long(manifest, contracts=None):
    """Through the tables that the stages use."""
    contracts = contracts or load_contracts()
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
    return verdicts(rows, judge(rows, score_frame(scores), contracts, STAGES))


def test_the_same_verdicts_as_the_long_tables(manifest):
    found = wide(manifest)
    expected = long(manifest)
    equal(found, expected)
    assert set(found["status"]) == {"accepted", "rejected"}


def equal(found, expected):
    assert found["status"].to_list() == [one.status.value for one in expected]
    assert found["reasons"].to_list() == [one.reasons for one in expected]
    assert found["waived"].to_list() == [one.waived for one in expected]
    assert found.schema == record_schema(VerdictRow)


METRICS = ("a", "b", "c")
LIMITS = st.one_of(st.none(), st.sampled_from([-1.0, 0.0, 0.1, 0.1 + 2**-55, float(np.nextafter(0.1, 1)), 5e-324, 2.0]))
VALUES = st.one_of(
    st.none(),
    st.sampled_from([float("nan"), -0.0, 0.0, 0.1, float(np.nextafter(0.1, 1)), float(np.nextafter(0.1, 0)), 5e-324]),
    st.floats(-3, 3, width=64),
)


@st.composite
def rules(draw, prefix=""):
    """Rules on three columns, the same id on several at times."""
    found = []
    for index in range(draw(st.integers(0, 12))):
        low, high = draw(LIMITS), draw(LIMITS)
        if low is None and high is None:
            high = 1.0
        if low is not None and high is not None and low > high:
            low, high = high, low
        found.append(
            QualityRule(
                id=f"{prefix}rule{draw(st.integers(0, index))}", version=1, metric=draw(st.sampled_from(METRICS)),
                scorer="s", minimum=low, maximum=high, origin=Origin.OURS, reason="", stage="screen",
                required=draw(st.booleans()), resolution=draw(st.sampled_from(["any", RESOLUTION, "other"])),
            )
        )  # fmt: skip
    return found


def contracts_of(common, own, waived=()):
    """Those rules for everybody, and these besides for source ``plain`` alone."""
    force = load_contracts()
    plain = force.by_source["plain"].model_copy(update={"quality": own, "not_applied": []})
    sekai = force.by_source["sekai_game"].model_copy(update={"quality": [], "not_applied": []})
    shared = force.common.model_copy(update={"quality": common})
    return ContractSet(shared, {"plain": plain, "sekai_game": sekai}).waiving(waived)


@given(
    common=rules(),
    own=st.one_of(rules(), rules(prefix="own_")),
    rows=st.lists(st.tuples(st.sampled_from(["plain", "sekai_game", "nowhere"]), VALUES, VALUES, VALUES), min_size=1),
    waived=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), max_size=4),
)
def test_any_rules_any_values_and_any_source(common, own, rows, waived):
    columns = {f"{metric} by s": [row[1 + index] for row in rows] for index, metric in enumerate(METRICS)}
    names = [f"{index:05}" for index in range(len(rows))]
    keys = {"path": names, "clip_id": names, "source": [row[0] for row in rows]}
    manifest = pl.DataFrame(keys | columns, schema_overrides=dict.fromkeys(columns, pl.Float64))
    granted = [WaivedRule(clip_id=f"{clip:05}", rule=f"rule{rule}") for clip, rule in waived]
    contracts = contracts_of(common, own, granted)
    equal(wide(manifest, contracts), long(manifest, contracts))


def test_more_than_64_rules_with_waivers_on_both_sides():
    draw = np.random.default_rng(3)
    common = [
        QualityRule(id=f"r{index:03}", version=1, metric=f"m{index}", scorer="s", maximum=0.5, origin=Origin.OURS,
                    reason="", stage="screen")
        for index in range(150)
    ]  # fmt: skip
    names = [f"{index:05}" for index in range(40)]
    columns = {f"m{index} by s": draw.random(40) for index in range(150)}
    manifest = pl.DataFrame({"path": names, "clip_id": names, "source": "plain"} | columns)
    granted = [
        WaivedRule(clip_id=clip, rule=f"r{rule:03}") for clip in names[:9] for rule in (0, 63, 64, 127, 128, 149)
    ]
    contracts = contracts_of(common, [], granted)
    found = wide(manifest, contracts)
    equal(found, long(manifest, contracts))
    assert found["waived"].list.len().sum() > 0


def test_a_source_column_of_categories_and_one_of_nulls(manifest):
    known = wide(manifest)
    categories = manifest.with_columns(pl.col("source").cast(pl.Categorical()))
    assert wide(categories)["reasons"].equals(known["reasons"])
    nowhere = wide(manifest.with_columns(source=pl.lit("nowhere")))["reasons"]
    assert wide(manifest.with_columns(source=pl.lit(None, pl.String)))["reasons"].equals(nowhere)


def test_an_empty_manifest_and_one_without_metrics(manifest):
    equal(wide(manifest.clear()), [])
    assert wide(manifest.select(KEYS))["status"].unique().to_list() == ["accepted"]


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
