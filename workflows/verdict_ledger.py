"""Every new version of the verdicts leaves an entry in the ledger: what changed, clip by clip, and what gave it."""

from data_contracts.decision import VerdictChange
from infra.ledger import Ledger
from infra.session import RunSession
from infra.stage import digest_file
from infra.stored_file import stored_file

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
    # Where the older table's bytes were collected, the change starts anew.
    before = stored_file(session.catalog, session.store, last, TABLE) if last else None
    found = verdict_changes(
        pl.read_parquet(before) if before else None,
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
