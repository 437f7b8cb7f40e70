"""The steward's page of the corpus beside the run report: written anew only when what it shows has changed."""

import json
from collections.abc import Mapping

from infra.files import write_atomic
from infra.session import RunSession

FOLDER = "corpus"
MARKER = "made_from.json"
SHOWN = ("filter_verdicts", "filter_scores", "screen", "splat", "pose")
CODE = ("tasks/reporting/corpus_page/*", "tasks/vision/near_misses.py")


def corpus_page(session: RunSession, ids: Mapping[str, str]) -> str:
    """Write the page where final verdicts exist, unless the page of the same artifacts and code lies there.

    Args:
        session: the run.
        ids: artifact name -> content id, of every artifact the workdir holds.

    Returns:
        The page's address as seen from the run report; "" without final verdicts.
    """
    if "filter_verdicts" not in ids:
        return ""
    folder = session.workdir.reports / FOLDER
    made_from = {name: ids[name] for name in SHOWN if name in ids} | {"code": session.code.resources(CODE)}
    marker = folder / MARKER
    if not marker.is_file() or json.loads(marker.read_text()) != made_from:
        from tasks.reporting.corpus_page.source import read_source
        from tasks.reporting.corpus_page.write import write_corpus_page

        folder.parent.mkdir(parents=True, exist_ok=True)
        write_corpus_page(read_source(session.workdir.artifacts), folder)
        write_atomic(marker, json.dumps(made_from))
    return f"{FOLDER}/index.html"
