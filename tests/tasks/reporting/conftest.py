"""The steward's page of 300 clips, and a browser for the pages of this group."""

import pytest
from browser import chromium
from page_corpus import build_corpus

from tasks.reporting.corpus_page.write import write_corpus_page


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return build_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def page(source, tmp_path_factory):
    return write_corpus_page(source, tmp_path_factory.mktemp("page") / "corpus")
