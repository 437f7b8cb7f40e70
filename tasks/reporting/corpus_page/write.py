"""Write the page: one HTML file, one script, an index and detail shards, put into place as one directory."""

import shutil
import tempfile
from pathlib import Path

import polars as pl
from jinja2 import Environment, FileSystemLoader

from tasks.reporting.corpus_page.details import index_script, picture, shard_count, write_details
from tasks.reporting.corpus_page.source import CorpusPageSource
from tasks.reporting.corpus_page.tables import funnel, histograms, reasons
from tasks.vision.near_misses import near_misses

SHOWN_MISSES = 24
SIDES = {"fail": "Just failed", "pass": "Just passed"}


def write_corpus_page(source: CorpusPageSource, directory: Path) -> Path:
    """Write ``index.html`` and what it loads; an earlier page in ``directory`` is replaced.

    Args:
        source: tables, pictures and cameras.
        directory: the page's own; its parent must exist.

    Returns:
        The page's path.
    """
    scratch = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        _fill(source, scratch)
        shutil.rmtree(directory, ignore_errors=True)
        scratch.chmod(0o755)
        scratch.replace(directory)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return directory / "index.html"


def _fill(source: CorpusPageSource, directory: Path) -> None:
    verdicts = source.verdicts.filter(source.verdicts["status"] != "ready").sort("path")
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    page = environment.get_template("page.html.j2").render(
        clips=verdicts.height,
        funnel=funnel(source.verdicts).to_dicts(),
        reasons=reasons(source.verdicts).to_dicts(),
        histograms=histograms(source.scores, source.outcomes),
        near=_near(source),
    )
    (directory / "index.html").write_text(page)
    shutil.copyfile(Path(__file__).parent / "page.js", directory / "page.js")
    (directory / "index.js").write_text(index_script(verdicts, shard_count(verdicts.height)))
    (directory / "clips").mkdir()
    write_details(source, verdicts, directory / "clips")


def _near(source: CorpusPageSource) -> list[dict[str, object]]:
    """Both sides of the limits: how many clips and rules, and the nearest of them with their pictures."""
    found = near_misses(source.verdicts, source.outcomes)
    sides = {outcome: found.filter(found["outcome"] == outcome) for outcome in SIDES}
    return [
        {"title": SIDES[outcome], "count": misses.height, "shown": _with_pictures(source, misses.head(SHOWN_MISSES))}
        for outcome, misses in sides.items()
    ]


def _with_pictures(source: CorpusPageSource, misses: pl.DataFrame) -> list[dict[str, object]]:
    return [{**row, "picture": picture(source, row["clip_id"])} for row in misses.to_dicts()]
