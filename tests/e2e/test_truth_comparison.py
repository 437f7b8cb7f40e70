import pytest
from truth_comparison import compare, equal_media

from data_contracts.report import CorpusClip
from data_contracts.truth import ClipTruth

GOOD = ClipTruth(path="plain/a.mp4", source="plain", kind="good", expected_status="accepted")
BLACK = ClipTruth(
    path="plain/b.mp4",
    source="plain",
    kind="black",
    expected_status="rejected",
    expected_rule="luma_low",
    may_also=["flow"],
)
COPY = ClipTruth(
    path="plain/c.mp4",
    source="plain",
    kind="exact_duplicate",
    expected_status="rejected",
    expected_rule="duplicate_exact",
)


def row(path, status, *reasons):
    return CorpusClip(path=path, clip_id="", status=status, reasons=list(reasons))


def problems(truth, rows, repeats=(), first_listed=True):
    return [finding.problem for finding in compare(truth, rows, repeats, first_listed)]


def test_right_verdicts_pass():
    rows = [row("plain/a.mp4", "accepted"), row("plain/b.mp4", "rejected", "luma_low", "flow")]
    assert problems([GOOD, BLACK], rows) == ["", ""]


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([], "status absent"),
        ([row("plain/b.mp4", "accepted")], "status accepted"),
        ([row("plain/b.mp4", "quarantined", "luma_low")], "status quarantined"),
        ([row("plain/b.mp4", "rejected", "flow")], "rule luma_low did not fire"),
        ([row("plain/b.mp4", "rejected", "luma_low", "saturation")], "unexpected saturation"),
    ],
)
def test_wrong_verdicts_are_named(rows, problem):
    assert problems([BLACK], rows) == [problem]


def test_a_rejected_good_clip_fails():
    assert problems([GOOD], [row("plain/a.mp4", "rejected", "flow")]) == ["status rejected"]


def test_either_of_two_equal_clips_may_be_kept_when_renamed():
    repeats = [frozenset({"plain/a.mp4", "plain/c.mp4"})]
    swapped = [row("plain/a.mp4", "rejected", "duplicate_exact"), row("plain/c.mp4", "accepted")]
    assert problems([GOOD, COPY], swapped, repeats, first_listed=False) == ["", ""]
    assert problems([GOOD, COPY], swapped, repeats, first_listed=True) == ["status rejected", "status accepted"]
    both = [row("plain/a.mp4", "accepted"), row("plain/c.mp4", "accepted")]
    assert problems([GOOD, COPY], both, repeats, first_listed=False) == ["", "status accepted"]
    none = [row("plain/a.mp4", "rejected", "duplicate_exact"), row("plain/c.mp4", "rejected", "duplicate_exact")]
    assert problems([GOOD, COPY], none, repeats, first_listed=False) == ["status rejected", ""]


def test_equal_media_are_found_by_bytes(tmp_path):
    for name, content in (("a", b"1"), ("b", b"2"), ("c", b"1")):
        (tmp_path / name).write_bytes(content)
    assert equal_media(tmp_path, ["a", "b", "c", "absent"]) == [frozenset({"a", "c"})]
