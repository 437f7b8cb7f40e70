"""The corpus page counts right and holds every clip."""

import json
import re

import pytest
from page_corpus import CLIPS, HOSTILE

from data_contracts.errors import InputError
from tasks.reporting.corpus_page.source import read_source
from tasks.reporting.corpus_page.tables import funnel, histograms, reasons
from tasks.reporting.corpus_page.write import write_corpus_page


def test_counts_agree_with_the_verdicts(source):
    (row,) = funnel(source.verdicts).to_dicts()
    assert row["listed"] == CLIPS == row["accepted"] + row["rejected"] + row["quarantined"]
    told = {row["reason"]: (row["clips"], row["alone"]) for row in reasons(source.verdicts).to_dicts()}
    assert told["saturation"] == (2, 1)
    assert told["vmaf_motion"][0] - told["vmaf_motion"][1] == 1  # the clip that both reject


def test_both_sides_of_a_limit_are_shown_marked_with_pictures(page):
    text = page.read_text()
    failed, passed = text[text.index("Just failed") :].split("Just passed")
    assert re.search(r'<img [^>]*alt="middle frame of plain/clip_200.mp4">.*saturation fails', failed)
    assert re.search(r'<img [^>]*alt="middle frame of plain/clip_100.mp4">.*saturation passes', passed)
    assert "saturation fails" not in passed


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
    near = next(clip for shard in shards for clip in shard if clip["track"])
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


def payload(path):
    text = path.read_text()
    return json.loads(json.loads(text[text.index("JSON.parse(") + 11 : text.rindex("));")]))
