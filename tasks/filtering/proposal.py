"""A proposed contract tried on a corpus: which clips would change their fate. Nothing is stored."""

from dataclasses import dataclass

import polars as pl

from data_contracts.clip import ClipRow, ClipStatus
from data_contracts.contract_loader import ContractSet
from data_contracts.proposal import ChangedClip, ProposalReport
from data_contracts.quality import Outcome, VerdictRow
from tasks.filtering.report import Corpus, picture_of
from tasks.filtering.verdicts import judge, verdicts


@dataclass(frozen=True)
class _Judged:
    """What one set of contracts says of a corpus."""

    verdicts: dict[str, VerdictRow]
    unmeasured: dict[str, list[str]]


def try_proposal(corpus: Corpus, in_force: ContractSet, proposed: ContractSet) -> ProposalReport:
    """Judge the stored scores under both sets and list every clip whose status or reasons differ.

    A clip that an earlier stage had rejected was never measured by later ones: it is listed as gained with the rules
    that could still reject it.
    """
    before, after = (_judged(corpus, contracts) for contracts in (in_force, proposed))
    changed = [
        _changed(corpus, row, before, after)
        for row in corpus.rows
        if _fate(before.verdicts[row.path]) != _fate(after.verdicts[row.path])
    ]
    hours = {row.path: row.raw_frames / row.fps / 3600 if row.fps else 0.0 for row in corpus.rows}
    return ProposalReport(
        clips=len(corpus.rows),
        gained=[clip for clip in changed if clip.after == ClipStatus.ACCEPTED.value],
        lost=[clip for clip in changed if clip.before == ClipStatus.ACCEPTED.value],
        other_reasons=[clip for clip in changed if ClipStatus.ACCEPTED.value not in {clip.before, clip.after}],
        accepted_before=_accepted(before),
        accepted_after=_accepted(after),
        hours_before=round(sum(hours[path] for path in _accepted_paths(before)), 6),
        hours_after=round(sum(hours[path] for path in _accepted_paths(after)), 6),
    )


def _judged(corpus: Corpus, contracts: ContractSet) -> _Judged:
    outcomes = judge(corpus.rows, corpus.scores, contracts, corpus.stages)
    silent = pl.col("outcome") == Outcome.NOT_EVALUATED.value
    # A rule that no clip was measured for has no scorer in this profile: nobody waits for it.
    measured = outcomes.filter(~silent).select("rule", "metric", "scorer").unique()
    waiting = outcomes.filter(silent).join(measured, on=["rule", "metric", "scorer"], how="semi")
    waiting = waiting.group_by("path").agg(pl.col("rule").unique().sort())
    unmeasured = {path: list(rules) for path, rules in waiting.iter_rows()}
    return _Judged({verdict.path: verdict for verdict in verdicts(corpus.rows, outcomes)}, unmeasured)


def _fate(verdict: VerdictRow) -> tuple[ClipStatus, list[str]]:
    return verdict.status, verdict.reasons


def _accepted_paths(judged: _Judged) -> list[str]:
    return [path for path, verdict in judged.verdicts.items() if verdict.status is ClipStatus.ACCEPTED]


def _accepted(judged: _Judged) -> int:
    return len(_accepted_paths(judged))


def _changed(corpus: Corpus, row: ClipRow, before: _Judged, after: _Judged) -> ChangedClip:
    old, new = before.verdicts[row.path], after.verdicts[row.path]
    return ChangedClip(
        path=row.path,
        clip_id=row.clip_id,
        source=row.source,
        before=old.status.value,
        after=new.status.value,
        reasons_before=old.reasons,
        reasons_after=new.reasons,
        unmeasured=after.unmeasured.get(row.path, []) if new.status is ClipStatus.ACCEPTED else [],
        thumbnail=picture_of(corpus, row.clip_id),
    )
