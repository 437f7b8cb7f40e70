import pytest

from data_contracts.errors import ErrorCode, InputError
from tasks.corpus_synth.kinds import PLANTINGS, Kind, Source
from tasks.corpus_synth.plan import FEWEST_CLIPS, plan_corpus


@pytest.mark.parametrize("clips", [24, 31, 48, 96])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_kind_appears_and_every_source_has_good_clips(clips, seed):
    specs = plan_corpus(clips, seed)
    assert len(specs) == clips
    assert {spec.planting.kind for spec in specs} == set(Kind)
    for source in Source:
        assert any(spec.planting.kind is Kind.GOOD for spec in specs if spec.source is source)
        numbers = [spec.number for spec in specs if spec.source is source]
        assert numbers == list(range(len(numbers)))


def test_too_few_clips_is_an_input_error():
    with pytest.raises(InputError) as caught:
        plan_corpus(FEWEST_CLIPS - 1, 0)
    assert caught.value.code is ErrorCode.TOO_FEW_CLIPS_ASKED
    assert "24" in caught.value.message


def test_copies_come_after_what_they_repeat():
    for seed in range(5):
        specs = [spec for spec in plan_corpus(96, seed) if spec.source is Source.PLAIN]
        copies = [spec for spec in specs if spec.planting.kind is Kind.DUPLICATE]
        assert len({spec.copy_of for spec in copies}) == len(copies) == 2
        for spec in copies:
            assert specs[spec.copy_of].planting.kind is Kind.GOOD
            assert spec.copy_of < spec.number


def test_seeds_order_clips_differently():
    kinds = [[spec.planting.kind for spec in plan_corpus(48, seed)] for seed in (0, 1)]
    assert kinds[0] != kinds[1]


def test_every_bad_planting_names_its_rule():
    for planting in PLANTINGS:
        assert bool(planting.rule) == (planting.status.value != "accepted")
        assert planting.rule not in planting.may_also


def test_the_written_table_is_the_planted_one(request):
    """The README's rows are the code's, no more and no fewer."""
    page = (request.config.rootpath / "tasks/corpus_synth/README.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `") and line.count("|") == 6]
    expected = []
    for planting in PLANTINGS:
        rule = f"`{planting.rule}`" if planting.rule else ""
        also = " ".join(f"`{name}`" for name in planting.may_also)
        cells = (f"`{planting.kind.value}`", f"`{planting.source.value}`", planting.status.value, rule, also)
        expected.append(f"| {' | '.join(cells)} |")
    assert rows == expected
