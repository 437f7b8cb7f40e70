"""The corpus page follows its artifacts: written once, again when they change, and never without verdicts."""

from types import SimpleNamespace

import pytest
from page_corpus import build_corpus

from infra.keys import CodeIndex
from infra.session import PACKAGES, ROOT
from infra.workdir import Workdir
from workflows.corpus_page import corpus_page

IDS = {"filter_verdicts": "1.dir", "filter_scores": "2.dir", "screen": "3.dir", "release": "4.dir"}


@pytest.fixture
def session(tmp_path):
    workdir = Workdir(tmp_path)
    source = build_corpus(tmp_path)
    for name in ("filter_verdicts", "filter_scores"):
        workdir.artifact(name).mkdir(parents=True)
    source.verdicts.write_parquet(workdir.artifact("filter_verdicts") / "verdicts.parquet")
    source.outcomes.write_parquet(workdir.artifact("filter_verdicts") / "outcomes.parquet")
    source.scores.write_parquet(workdir.artifact("filter_scores") / "scores.parquet")
    return SimpleNamespace(workdir=workdir, code=CodeIndex(ROOT, PACKAGES))


def test_the_address_leads_from_the_report_to_the_page(session):
    address = corpus_page(session, IDS)
    assert (session.workdir.reports / address).is_file()


@pytest.mark.parametrize(
    ("changed", "again"),
    [({}, False), ({"release": "9.dir"}, False), ({"filter_verdicts": "9.dir"}, True), ({"pose": "9.dir"}, True)],
)
def test_the_page_is_written_again_only_when_what_it_shows_has_changed(session, changed, again):
    page = session.workdir.reports / corpus_page(session, IDS)
    before = page.stat().st_mtime_ns
    corpus_page(session, IDS | changed)
    assert (page.stat().st_mtime_ns != before) == again


def test_a_page_that_someone_else_wrote_is_replaced(session):
    page = session.workdir.reports / corpus_page(session, IDS)
    (page.parent / "made_from.json").unlink()
    page.write_text("old")
    corpus_page(session, IDS)
    assert page.read_text() != "old"


def test_without_verdicts_there_is_neither_page_nor_address(session):
    assert corpus_page(session, {"screen": "3.dir"}) == ""
    assert not session.workdir.reports.exists()
