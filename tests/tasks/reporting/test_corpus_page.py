"""The corpus page counts right, holds every clip, and works in a browser."""

import json
import re
import shutil
import subprocess

import cv2
import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save_file

from data_contracts.errors import InputError
from tasks.reporting.corpus_page.source import CorpusPageSource, read_source
from tasks.reporting.corpus_page.tables import funnel, histograms, near_misses, reasons
from tasks.reporting.corpus_page.write import write_corpus_page

CLIPS = 300
HOSTILE = "plain/<script>alert('x')</script>.mp4"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    home = tmp_path_factory.mktemp("corpus")
    motion = np.linspace(0.1, 20, CLIPS)
    motion[7] = np.nan
    saturation = np.full(CLIPS, 100.0)
    saturation[[5, 200]] = (250.0, 181.0)  # a clear miss that motion rejects too, and a near one
    paths = [HOSTILE if i == 3 else f"plain/clip_{i:03d}.mp4" for i in range(CLIPS)]
    ids = [f"{i:064x}" for i in range(CLIPS)]
    cells = [
        pl.DataFrame({"path": paths, "rule": metric, "metric": metric, "scorer": scorer, "value": values}).with_columns(
            minimum=pl.lit(low, pl.Float64),
            maximum=pl.lit(high, pl.Float64),
            outcome=pl.when(pl.col("value").is_between(low, high) & pl.col("value").is_not_nan())
            .then(pl.lit("pass"))
            .otherwise(pl.lit("fail")),
        )
        for metric, scorer, values, low, high in (
            ("vmaf_motion", "ffmpeg_vmafmotion", motion, 0.5, 50.0),
            ("saturation", "hsv_mean", saturation, 0.0, 180.0),
        )
    ]
    outcomes = pl.concat(cells)
    failed = outcomes.filter(pl.col("outcome") == "fail").group_by("path").agg(reasons=pl.col("rule").sort())
    why = failed.rows_by_key("path", unique=True)
    found = [list(why.get(path, ([],))[0]) for path in paths]
    verdicts = pl.DataFrame(
        {"path": paths, "clip_id": ids, "source": ["plain"] * CLIPS, "reasons": found},
        schema_overrides={"reasons": pl.List(pl.String)},
    ).with_columns(
        status=pl.when(pl.col("reasons").list.len() > 0).then(pl.lit("rejected")).otherwise(pl.lit("accepted"))
    )
    (home / "thumbnails").mkdir()
    cv2.imwrite(str(home / "thumbnails" / f"{ids[200]}.jpg"), np.full((9, 16, 3), 80, np.uint8))
    (home / "poses").mkdir()
    cameras = np.tile(np.eye(4), (81, 1, 1))
    cameras[:, 2, 3] = np.linspace(0, 3, 81)
    save_file({"camera_to_world": cameras}, home / "poses" / f"{ids[200]}.safetensors")
    scores = outcomes.select("path", "metric", "scorer", "value")
    return CorpusPageSource(verdicts, scores, outcomes, (home / "thumbnails",), (home / "poses",))


@pytest.fixture(scope="module")
def page(source, tmp_path_factory):
    return write_corpus_page(source, tmp_path_factory.mktemp("page") / "corpus")


def test_counts_agree_with_the_verdicts(source):
    (row,) = funnel(source.verdicts).to_dicts()
    assert row["listed"] == CLIPS == row["accepted"] + row["rejected"] + row["quarantined"]
    told = {row["reason"]: (row["clips"], row["alone"]) for row in reasons(source.verdicts).to_dicts()}
    assert told["saturation"] == (2, 1)
    assert told["vmaf_motion"][0] - told["vmaf_motion"][1] == 1  # the clip that both reject


def test_a_near_miss_fails_one_rule_by_five_percent(source):
    found = near_misses(source.verdicts, source.outcomes).to_dicts()
    assert [row["path"] for row in found if row["rule"] == "saturation"] == ["plain/clip_200.mp4"]
    assert all(row["missed_by"] <= 0.05 for row in found)
    assert near_misses(source.verdicts, source.outcomes, share=0.001).is_empty()


def test_histograms_hold_every_finite_value_and_the_limits(source):
    found = {plot.metric: plot for plot in histograms(source.scores, source.outcomes)}
    assert sum(found["vmaf_motion"].counts) == CLIPS - 1
    assert 0.5 in found["vmaf_motion"].limits
    assert 180.0 in found["saturation"].limits


def test_every_clip_is_in_the_index_and_in_its_shard(source, page):
    index = payload(page.parent / "index.js")
    assert len(index["path"]) == CLIPS
    shards = [payload(page.parent / "clips" / f"{number}.js") for number in range(index["shards"])]
    ids = [clip["id"] for shard in shards for clip in shard]
    assert dict(zip(index["path"], ids, strict=True)) == dict(source.verdicts.select("path", "clip_id").iter_rows())
    near = next(clip for shard in shards for clip in shard if clip["picture"])
    assert len(near["track"]) == 64
    assert near["track"][-1][1] == 3.0


def test_the_same_corpus_gives_the_same_bytes_and_names_are_escaped(source, page, tmp_path):
    again = write_corpus_page(source, tmp_path / "corpus")
    names = sorted(path.relative_to(page.parent) for path in page.parent.rglob("*.*"))
    assert all((page.parent / name).read_bytes() == (again.parent / name).read_bytes() for name in names)
    assert HOSTILE not in page.read_text()
    assert write_corpus_page(source, tmp_path / "corpus") == again


def test_without_verdicts_the_error_says_what_to_run(tmp_path):
    with pytest.raises(InputError, match="wm run --until filter"):
        read_source(tmp_path)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
def test_a_browser_draws_it_without_console_errors(page):
    probe = page.with_name("probe.html")  # the page itself, driven as a keyboard user would
    drive = """<script>
      const seen = []; window.addEventListener("error", (event) => seen.push(event.message));
      document.dispatchEvent(new KeyboardEvent("keydown", {key: "n", bubbles: true}));
      const second = document.getElementById("count").textContent;
      document.dispatchEvent(new KeyboardEvent("keydown", {key: "/", bubbles: true}));
      const focused = document.activeElement.id;
      element("search").value = "saturation clip_200"; search();
      document.querySelector("#rows button").click();
      setTimeout(() => { document.title = JSON.stringify([second, focused, document.querySelectorAll("#rows tr").length,
        document.querySelectorAll("#detail polyline, #detail img").length, document.activeElement.id, seen]); }, 500);
    </script></body>"""
    probe.write_text(page.read_text().replace("</body>", drive))
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--enable-logging=stderr"]
    run = subprocess.run(
        ["chromium", *options, "--dump-dom", probe.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    told = json.loads(re.search(r"<title>(.*?)</title>", run.stdout).group(1))
    assert told == ["51 to 100 of 300 clips", "search", 1, 2, "detail", []]
    assert "CONSOLE" not in run.stderr


def payload(path):
    text = path.read_text()
    return json.loads(json.loads(text[text.index("JSON.parse(") + 11 : text.rindex("));")]))
