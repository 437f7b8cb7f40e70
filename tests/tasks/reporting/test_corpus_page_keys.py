"""The corpus page in a browser: everything by keys alone, nothing on the console, nothing that axe objects to."""

import pytest
from browser import axe_findings, needs_chromium

pytestmark = needs_chromium
READY = "document.documentElement.dataset.ready"
SHOWN = "document.getElementById('count').textContent"
FOCUS = "document.activeElement"
OPEN = "document.querySelectorAll('#detail table').length === 1"


@pytest.fixture
def corpus(browser, page):
    """The browser with the page just opened; the test fails on anything that the console was told."""
    browser.console.clear()
    browser.open("about:blank")
    browser.open(page.as_uri(), ready=READY)
    yield browser
    assert browser.console == []


def test_tab_leads_through_the_whole_page_and_back(corpus):
    corpus.press("Tab")
    assert corpus.evaluate(f"{FOCUS}.className") == "skip"
    corpus.press("Enter")
    corpus.tab_to("#status", limit=2)
    order = ("#source", "#reason", "#keys", "#rows tr:first-child button", "#rows tr:nth-child(2) button")
    for selector in order:
        corpus.tab_to(selector, limit=1)
    corpus.tab_to("#next", limit=60)
    corpus.tab_to("figure:last-of-type summary", backwards=True)
    visible = "getComputedStyle(document.activeElement).outlineWidth"
    assert corpus.evaluate(visible) == "3px"


def test_search_and_filters_by_keys_and_the_count_is_announced(corpus):
    corpus.press("/")
    assert corpus.evaluate(f"{FOCUS}.id") == "search"
    corpus.write("saturation clip_2")
    corpus.wait(f"{SHOWN} === '1 to 1 of 1 clips'")
    assert corpus.evaluate("document.getElementById('count').getAttribute('role')") == "status"
    corpus.press("Escape")
    corpus.wait(f"{SHOWN}.endsWith('of 300 clips')")
    for selector, told in (("#status", "291 clips"), ("#source", "291 clips")):
        corpus.tab_to(selector, limit=1)
        corpus.press("ArrowDown")
        corpus.wait(f"{SHOWN}.endsWith('{told}')")
    corpus.tab_to("#reason", limit=1)
    corpus.press("ArrowDown")
    corpus.wait(f"{SHOWN} === 'No clip fits.'")


def test_pages_turn_by_keys_and_the_buttons_keep_the_focus(corpus):
    corpus.press("n")
    assert corpus.evaluate(SHOWN) == "51 to 100 of 300 clips"
    corpus.press("p")
    assert corpus.evaluate(SHOWN) == "1 to 50 of 300 clips"
    corpus.tab_to("#next")
    corpus.press("Enter", times=4)
    corpus.press(" ")
    assert corpus.evaluate(SHOWN) == "251 to 300 of 300 clips"
    corpus.press("Enter")
    assert corpus.evaluate(f"{FOCUS}.id") == "next"
    assert corpus.evaluate(f"{FOCUS}.getAttribute('aria-disabled')") == "true"


def test_a_clip_opens_and_closes_by_keys(corpus):
    corpus.press("/")
    corpus.write("saturation")
    corpus.wait(f"{SHOWN}.endsWith('of 2 clips')")
    corpus.tab_to("#rows tr:first-child button", limit=6)
    corpus.press("ArrowDown")
    assert "clip_200" in corpus.evaluate(f"{FOCUS}.textContent")
    corpus.press("Enter")
    corpus.wait(OPEN)
    assert corpus.evaluate(f"{FOCUS}.id") == "detail"
    assert corpus.evaluate("document.querySelectorAll('#detail polyline, #detail img').length") == 2
    assert corpus.evaluate("document.querySelectorAll('[aria-current=true]').length") == 1
    corpus.press("Escape")
    assert "clip_200" in corpus.evaluate(f"{FOCUS}.textContent")
    assert not corpus.evaluate(OPEN)
    corpus.press("Enter")
    corpus.tab_to("#detail button", limit=1)
    corpus.press("Enter")
    assert "clip_200" in corpus.evaluate(f"{FOCUS}.textContent")
    assert not corpus.evaluate(OPEN)


def test_the_counts_of_a_histogram_open_by_keys(corpus):
    corpus.tab_to("summary")
    corpus.press("Enter")
    counts = "[...document.querySelectorAll('details[open] td:last-child')].map((cell) => Number(cell.textContent))"
    assert sum(corpus.evaluate(counts)) == 300


def test_single_keys_can_be_switched_off(corpus):
    corpus.tab_to("#keys")
    corpus.press(" ")
    corpus.press("n")
    assert corpus.evaluate(SHOWN) == "1 to 50 of 300 clips"


@pytest.mark.parametrize("width", [1400, 400], ids=["wide", "narrow"])
def test_axe_has_no_finding(browser, page, width):
    browser.open("about:blank")
    browser.open(page.as_uri(), width, ready=READY)
    browser.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    browser.evaluate("choose(200)")
    browser.wait(OPEN)
    _, passed, findings = axe_findings(browser)
    assert not findings, "\n".join(findings)
    assert {"color-contrast", "label", "region", "page-has-heading-one"} <= set(passed)


def test_axe_and_the_console_can_go_red(browser, page, tmp_path):
    text = page.read_text()
    broken = page.with_name("broken.html")
    broken.write_text(text.replace("<html lang", "<html data-lang").replace("page.js", "lost.js"))
    browser.console.clear()
    browser.open(broken.as_uri())
    _, _, findings = axe_findings(browser)
    broken.unlink()
    assert any(line.startswith("serious html-has-lang") for line in findings)
    assert any("ERR_FILE_NOT_FOUND" in line for line in browser.console)
