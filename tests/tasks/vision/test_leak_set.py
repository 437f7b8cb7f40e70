"""Recall and precision of the leak test on the written set, and that the docs list every miss."""

from pathlib import Path

import pytest

from tasks.vision import caption_leak
from tasks.vision.caption_leak import find_leaks

PHRASES = Path(__file__).with_name("leak_phrases")
LEAKING = (PHRASES / "leaking.txt").read_text().splitlines()
STATIC = (PHRASES / "static.txt").read_text().splitlines()


@pytest.fixture(scope="module")
def missed():
    return [text for text in LEAKING if not find_leaks(text)]


@pytest.fixture(scope="module")
def wrongly_found():
    return [text for text in STATIC if find_leaks(text)]


def test_the_set_is_large_and_without_repetitions():
    assert len(LEAKING) + len(STATIC) >= 300
    assert len({*LEAKING, *STATIC}) == len(LEAKING) + len(STATIC)


def test_recall_and_precision_reach_their_bars(missed, wrongly_found):
    found = len(LEAKING) - len(missed)
    assert found / len(LEAKING) >= 0.98, missed
    assert found / (found + len(wrongly_found)) >= 0.95, wrongly_found


def test_every_miss_is_in_the_docs(request, missed, wrongly_found):
    page = (request.config.rootpath / "docs/caption_leak.md").read_text()
    listed = [line.split('"')[1] for line in page.splitlines() if line.startswith(("- missed:", "- found wrongly:"))]
    assert sorted(listed) == sorted([*missed, *wrongly_found])


def test_the_bar_goes_red_without_the_patterns(monkeypatch):
    monkeypatch.setattr(caption_leak, "PATTERNS", caption_leak.PATTERNS[:1])
    assert sum(bool(find_leaks(text)) for text in LEAKING) / len(LEAKING) < 0.98
