"""``make truth SEEDS="0 1 2"``: the pipeline must find exactly what was planted, and reject nothing good.

For each seed a corpus is rendered, its truth and exact cameras are taken away, every clip is renamed, the pipeline runs
until ``filter``, and its verdicts are compared with the truth. Exit 1 if one clip is decided wrongly.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/helpers")]

from corpus_renaming import rename_corpus  # noqa: E402
from truth_comparison import Finding, compare, equal_media  # noqa: E402

from data_contracts.report import CorpusStats  # noqa: E402
from data_contracts.truth import CorpusTruth  # noqa: E402

WM = str(Path(sys.executable).with_name("wm"))


def main(
    seeds: Annotated[str, typer.Option(help="Seeds, separated by blanks.")] = "0",
    clips: Annotated[int, typer.Option(help="Clips of each corpus.")] = 48,
    unrenamed: Annotated[bool, typer.Option("--unrenamed", help="Keep the names; the first duplicate wins.")] = False,
    keep: Annotated[Path | None, typer.Option(help="Work here and keep everything.")] = None,
) -> None:
    """Render, hide the truth, run until filter, compare."""
    console = Console(width=150)
    findings: list[Finding] = []
    for seed in (int(text) for text in seeds.split()):
        place = Path(tempfile.mkdtemp(prefix=f"truth-{seed}-", dir=keep))
        try:
            found = run_seed(place, seed, clips, unrenamed)
        finally:
            if keep is None:
                shutil.rmtree(place, ignore_errors=True)
        console.print(_table(seed, found))
        findings += found
    failed = sum(bool(finding.problem) for finding in findings)
    console.print(f"{len(findings) - failed} passed, {failed} failed")
    raise typer.Exit(1 if failed or not findings else 0)


def run_seed(place: Path, seed: int, clips: int, unrenamed: bool) -> list[Finding]:
    """One corpus, from nothing to findings."""
    corpus, workdir = place / "corpus", place / "work"
    _wm("corpus", "synth", "--out", str(corpus), "--clips", str(clips), "--seed", str(seed))
    truth = CorpusTruth.model_validate_json((corpus / "truth.json").read_text())
    (corpus / "truth.json").unlink()
    shutil.rmtree(corpus / "ground_truth")
    planted = truth.clips
    if not unrenamed:
        renamed = rename_corpus(corpus, seed)
        planted = [clip.model_copy(update={"path": renamed[clip.path]}) for clip in planted]
    repeats = equal_media(corpus, [clip.path for clip in planted])
    _wm("run", "--corpus", str(corpus), "--workdir", str(workdir), "--until", "filter", "--json")
    stats = CorpusStats.model_validate(json.loads(_wm("corpus", "stats", "--workdir", str(workdir), "--json")))
    return compare(planted, stats.clips, repeats, first_listed=unrenamed)


def _wm(*arguments: str) -> str:
    """Run the command line; its last line of output. Its errors pass through."""
    done = subprocess.run([WM, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"wm {' '.join(arguments)} ended with exit code {done.returncode}\n{done.stdout}")
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


def _table(seed: int, findings: list[Finding]) -> Table:
    table = Table("clip", "kind", "expected", "status", "reasons", "verdict", title=f"seed {seed}")
    for finding in sorted(findings, key=lambda finding: (not finding.problem, finding.kind)):
        verdict = f"[red]{finding.problem}[/red]" if finding.problem else "ok"
        reasons = " ".join(finding.reasons)
        table.add_row(finding.path[-36:], finding.kind, finding.expected, finding.status, reasons, verdict)
    return table


if __name__ == "__main__":
    typer.run(main)
