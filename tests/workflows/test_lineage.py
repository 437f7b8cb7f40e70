"""Lineage both ways, and an audit that names what is not as it was recorded."""

from pathlib import Path

import pytest
from fake_stages.pipeline import GRAPH, run, write_corpus, write_recipes

from data_contracts.errors import InputError
from data_contracts.lineage import ReferenceKind
from infra.settings import load_settings
from infra.store import Store
from workflows.lineage import open_lineage


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write_corpus(tmp_path / "corpus", [1, 2, 3, 20])
    run(write_recipes(tmp_path / "recipes"), tmp_path)
    return tmp_path


def ask(home: Path, reference: str, *, verify: bool = False):
    return open_lineage(GRAPH, home / "work", load_settings("local")).report(reference, verify=verify)


def names(nodes) -> list[str]:
    return [node.artifact for node in nodes]


def test_both_ways_from_any_kind_of_reference(home):
    by_name = ask(home, "sieve")
    assert by_name.kind is ReferenceKind.ARTIFACT
    assert names(by_name.subjects) == ["sieve_accepted", "sieve_verdicts", "sieve_scores"]
    assert names(by_name.upstream) == ["collect"]
    assert names(by_name.downstream) == ["total"]
    by_id = ask(home, by_name.upstream[0].id[:10])
    assert names(by_id.downstream) == ["sieve_accepted", "sieve_verdicts", "sieve_scores", "total"]
    by_run = ask(home, by_name.downstream[0].mlflow_run)
    assert by_run.kind is ReferenceKind.TRACKING_RUN
    assert names(by_run.subjects) == ["total"]
    assert names(by_run.upstream) == ["collect", "sieve_accepted"]


def test_unknown_references_are_refused(home, tmp_path):
    with pytest.raises(InputError, match="E502"):
        ask(home, "nothing")
    with pytest.raises(InputError, match="E502"):
        open_lineage(GRAPH, tmp_path / "empty", load_settings("local"))


def test_untouched_bytes_verify(home):
    assert ask(home, "total", verify=True).problems == []


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


@pytest.mark.parametrize(
    "pattern",
    [
        "artifacts/collect/numbers/n0.txt",
        "artifacts/total/data.json",
        ".dvc/cache/files/md5/*/*",
        "catalog/manifests/*.json",
        "catalog/provenance/*/*/*.json",
    ],
)
def test_one_flipped_byte_is_named(home, pattern):
    for victim in sorted((home / "work").glob(pattern)):
        before = victim.read_bytes()
        flip(victim)
        problems = ask(home, "total", verify=True).problems
        relative = victim.relative_to(home / "work").as_posix()
        if "sieve_verdicts" in relative or "sieve_scores" in relative or _beside_the_chain(home, victim):
            victim.write_bytes(before)
            continue
        assert any(relative in problem for problem in problems), (relative, problems)
        victim.write_bytes(before)


def test_a_changed_raw_file_and_a_forged_corpus_record_are_named(home):
    flip(home / "corpus/n2.txt")
    assert any("corpus/n2.txt" in problem for problem in ask(home, "total", verify=True).problems)
    flip(home / "corpus/n2.txt")
    record = home / "work/inputs/corpus.json"
    text = record.read_text()
    digest = next(part for part in text.split('"') if len(part) == 64 and part not in text.split('"')[:5])
    record.write_text(text.replace(digest, digest[::-1]))
    assert any("inputs/corpus.json" in problem for problem in ask(home, "total", verify=True).problems)


def test_a_signature_is_checked_where_there_is_one(home):
    from infra.signing import ensure_key, in_workdir, sign_directory

    work = home / "work"
    subject = ask(home, "total").subjects[0]
    files = in_workdir(work, "total", subject.id)
    sign_directory(work / "artifacts/total", ensure_key(work / "keys"), files)
    assert ask(home, "total", verify=True).problems == []
    flip(files.signature)
    assert any("manifest" in problem for problem in ask(home, "total", verify=True).problems)


def _beside_the_chain(home: Path, victim: Path) -> bool:
    """Objects that belong to verdicts or scores alone are not behind ``total``."""
    chain = ask(home, "total")
    store = Store(home / "work/.dvc/cache/files/md5")
    from infra.catalog import Catalog

    catalog = Catalog(home / "work/catalog")
    manifests = [catalog.manifest(node.id) for node in (*chain.subjects, *chain.upstream)]
    used = {store.object_path(manifest.id) for manifest in manifests}
    used |= {store.object_path(file.md5) for manifest in manifests for file in manifest.files}
    return ".dvc" in victim.parts and victim not in used


def test_a_deleted_edge_fails_the_audit(home):
    edge = next((home / "work/catalog/provenance/sieve_accepted").rglob("*.json"))
    edge.unlink()
    problems = ask(home, "total", verify=True).problems
    assert any("sieve_accepted" in problem and "no provenance" in problem for problem in problems)
