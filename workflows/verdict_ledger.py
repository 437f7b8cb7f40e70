"""Every new version of the verdicts leaves an entry in the ledger: what changed, clip by clip, and what gave it."""

from io import BytesIO

from data_contracts.decision import VerdictChange
from infra.ledger import Ledger
from infra.session import RunSession
from infra.stage import digest_file

VERDICTS = "filter_verdicts"
TABLE = "verdicts.parquet"


def record_verdicts(session: RunSession, artifact_id: str) -> None:
    """Append the change from the last recorded verdicts to these, unless they are the same.

    The table of changes is on disk before the entry that carries its digest.
    """
    import polars as pl

    from tasks.filtering.verdict_changes import verdict_changes

    ledger = Ledger(session.workdir)
    recorded = [entry.body.after for entry in ledger.entries() if isinstance(entry.body, VerdictChange)]
    last = recorded[-1] if recorded else ""
    if last == artifact_id:
        return
    before = _stored(session, last) if last else b""
    found = verdict_changes(
        pl.read_parquet(BytesIO(before)) if before else None,
        pl.read_parquet(session.workdir.artifact(VERDICTS) / TABLE),
    )
    path = ledger.changes_path(ledger.next_sequence())
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".partial")
    found.table.write_parquet(scratch)
    scratch.replace(path)
    body = VerdictChange(
        before=last,
        after=artifact_id,
        clips=found.clips,
        accepted_before=found.accepted_before,
        accepted_after=found.accepted_after,
        gained=found.gained,
        lost=found.lost,
        other_reasons=found.other_reasons,
        changes=digest_file(path),
    )
    ledger.append(body, "wm run", f"run {session.request.name} made new verdicts")


def _stored(session: RunSession, artifact_id: str) -> bytes:
    """The older table, empty where its bytes were collected: the change then starts anew."""
    if not session.catalog.manifest_path(artifact_id).exists():
        return b""
    digests = {file.path: file.md5 for file in session.catalog.manifest(artifact_id).files}
    path = session.store.object_path(digests[TABLE]) if TABLE in digests else None
    return path.read_bytes() if path and path.exists() else b""
