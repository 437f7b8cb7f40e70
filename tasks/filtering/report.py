"""Reading verdicts back: counts, explanations, licences and checks, for the command line."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from data_contracts.clip import ClipRow, ClipStatus
from data_contracts.contract import Column
from data_contracts.contract_loader import ContractSet
from data_contracts.decision import LedgerEntry, Takedown, Waiver
from data_contracts.errors import ErrorCode, InputError
from data_contracts.explanation import ClipExplanation, ContractCheck, RuleFinding
from data_contracts.outcome import OutcomeRow
from data_contracts.quality import ScoreRow, VerdictRow
from data_contracts.report import CorpusClip, CorpusStats, NearMiss
from tasks.filtering import screen, stage
from tasks.filtering.verdicts import judge, verdicts
from tasks.vision.near_misses import near_misses
from tasks.vision.tables import read_table, record_schema, to_frame


@dataclass(frozen=True)
class Corpus:
    """The newest verdicts of a workdir and what they rest on.

    Attributes:
        rows: every listed input, rendered clips too once they were filtered.
        scores: ``ScoreRow`` columns.
        verdicts: one a row.
        stages: whose rules decided.
        thumbnails: directories that may hold a clip's picture.
    """

    rows: list[ClipRow]
    scores: pl.DataFrame
    verdicts: list[VerdictRow]
    stages: tuple[str, ...]
    thumbnails: tuple[Path, ...]


def read_corpus(artifacts: Path) -> Corpus:
    """The verdicts of ``filter``, or of ``screen`` where the filter has not run.

    Args:
        artifacts: directory with one checkout an artifact.

    Raises:
        InputError: neither has run.
    """
    found = verdict_table(artifacts)
    if found.parent.name == "screen":
        scores, stages = "screen", screen.STAGES
    else:
        scores, stages = "filter_scores", stage.STAGES
    rows = [row for table in clip_tables(artifacts) for row in read_table(table, ClipRow)]
    return Corpus(
        rows=sorted(rows, key=lambda row: row.path),
        scores=pl.read_parquet(artifacts / scores / "scores.parquet"),
        verdicts=read_table(found, VerdictRow),
        stages=stages,
        thumbnails=(artifacts / "screen" / "thumbnails", artifacts / "splat" / "thumbnails"),
    )


def verdict_table(artifacts: Path) -> Path:
    """The newest verdicts: those of ``filter``, or of ``screen`` where the filter has not run.

    Raises:
        InputError: neither has run.
    """
    for folder in ("filter_verdicts", "screen"):
        path = artifacts / folder / "verdicts.parquet"
        if path.is_file():
            return path
    raise InputError(
        ErrorCode.INPUT_MISSING,
        f"{artifacts.parent.name!r} holds no verdicts",
        "run `wm run --until filter` with this --workdir first",
    )


def clip_tables(artifacts: Path) -> list[Path]:
    """The tables of the inputs that the newest verdicts are about; rendered clips join at the filter.

    Raises:
        InputError: there are no verdicts.
    """
    screened = verdict_table(artifacts).parent.name == "screen"
    return [artifacts / folder / "clips.parquet" for folder in (("ingest",) if screened else ("ingest", "splat"))]


def count(corpus: Corpus, contracts: ContractSet) -> CorpusStats:
    """Every clip with its fate, the counts by source and by reason, and near misses; Gaussian scenes are no clips."""
    clips = [verdict for verdict in corpus.verdicts if verdict.status is not ClipStatus.READY]
    by_source: dict[str, dict[str, int]] = {}
    for verdict in clips:
        counts = by_source.setdefault(verdict.source, {})
        counts[verdict.status.value] = counts.get(verdict.status.value, 0) + 1
    reasons = Counter(reason for verdict in clips for reason in verdict.reasons)
    alone = Counter(verdict.reasons[0] for verdict in clips if len(verdict.reasons) == 1)
    details = {row.path: row.detail for row in corpus.rows}
    return CorpusStats(
        clips=[
            CorpusClip(
                path=clip.path,
                clip_id=clip.clip_id,
                status=clip.status.value,
                reasons=clip.reasons,
                detail=details.get(clip.path, ""),
            )
            for clip in clips
        ],
        by_source={source: dict(sorted(counts.items())) for source, counts in sorted(by_source.items())},
        by_reason=dict(sorted(reasons.items())),
        rejects_alone=dict(sorted(alone.items())),
        near_misses=_near_misses(corpus, contracts),
    )


def _near_misses(corpus: Corpus, contracts: ContractSet) -> list[NearMiss]:
    outcomes = judge(corpus.rows, corpus.scores, contracts, corpus.stages)
    found = near_misses(to_frame(corpus.verdicts, VerdictRow), outcomes).drop("missed_by")
    return [NearMiss(**row, thumbnail=picture_of(corpus, row["clip_id"])) for row in found.iter_rows(named=True)]


def explain(
    corpus: Corpus, contracts: ContractSet, name: str, entries: Sequence[LedgerEntry] = ()
) -> list[ClipExplanation]:
    """Everything that decided about a clip; several where exact duplicates share the id.

    Args:
        corpus: the verdicts.
        contracts: the rules and waivers in force.
        name: a clip id, the beginning of one (at least 4 characters), or a listed path.
        entries: the stewards' ledger; those about the clip become part of the explanation.

    Raises:
        InputError: no clip is called so, or several different ones are.
    """
    found = [row for row in corpus.rows if row.path == name]
    if not found and len(name) >= 4:
        found = [row for row in corpus.rows if row.clip_id.startswith(name)]
    ids = sorted({row.clip_id for row in found})
    if len(ids) != 1:
        told = f"is the beginning of {len(ids)} clip ids: {', '.join(ids[:4])}" if ids else "is no clip of this workdir"
        raise InputError(
            ErrorCode.ARTIFACT_UNKNOWN, f"{name!r} {told}", "`wm corpus stats --json` lists clip ids and paths"
        )
    outcomes = judge(found, corpus.scores, contracts, corpus.stages)
    explained = [_explain(corpus, contracts, row, outcomes.filter(pl.col("path") == row.path)) for row in found]
    about = [[entry for entry in entries if _is_about(entry, row)] for row in found]
    return [one.model_copy(update={"decisions": mine}) for one, mine in zip(explained, about, strict=True)]


def _is_about(entry: LedgerEntry, row: ClipRow) -> bool:
    match entry.body:
        case Waiver(clip_id=clip_id):
            return clip_id == row.clip_id
        case Takedown(subject=subject):
            return subject in {row.clip_id, row.source_video_id}
        case _:
            return False


def check_contracts(corpus: Corpus | None, contracts: ContractSet) -> list[ContractCheck]:
    """Whether the contracts fit the records, and the stored verdicts the contracts."""
    checks = [
        ContractCheck(check="schema", subject=table.name, problem=_schema_problem(table.name, table.properties))
        for table in contracts.common.tables
    ]
    checks += [
        ContractCheck(check="rules", subject=source, problem="")
        for source in ("(common)", *sorted(contracts.by_source))
    ]
    if corpus:
        outcomes = judge(corpus.rows, corpus.scores, contracts, corpus.stages)
        again = {verdict.path: verdict for verdict in verdicts(corpus.rows, outcomes)}
        for stored in corpus.verdicts:
            now = again.get(stored.path)
            same = now is not None and (now.status, now.reasons) == (stored.status, stored.reasons)
            told = "" if same else f"stored {_tell(stored)}, the contract says {_tell(now)}"
            checks.append(ContractCheck(check="verdict", subject=stored.path, problem=told))
    return checks


def _explain(corpus: Corpus, contracts: ContractSet, row: ClipRow, outcomes: pl.DataFrame) -> ClipExplanation:
    verdict = next(verdict for verdict in corpus.verdicts if verdict.path == row.path)
    mine = corpus.scores.filter(pl.col("path") == row.path)
    scores = {(s["metric"], s["scorer"]): ScoreRow.model_validate(s) for s in mine.iter_rows(named=True)}
    reasons = {(rule.id, rule.metric): rule.reason for rule in contracts.rules_of(row.source)}
    findings = []
    for outcome in (OutcomeRow.model_validate(found) for found in outcomes.iter_rows(named=True)):
        score = scores.get((outcome.metric, outcome.scorer))
        findings.append(
            RuleFinding(
                outcome=outcome,
                worst_frame=score.worst_frame if score else -1,
                detail=score.detail if score else "",
                reason=reasons[outcome.rule, outcome.metric],
            )
        )
    return ClipExplanation(
        path=row.path,
        clip_id=row.clip_id,
        source=row.source,
        status=verdict.status.value,
        reasons=verdict.reasons,
        detail=row.detail,
        contract=contracts.version_of(row.source),
        thumbnail=picture_of(corpus, row.clip_id),
        findings=findings,
    )


def picture_of(corpus: Corpus, clip_id: str) -> str:
    """A clip's picture; "" where none was kept."""
    pictures = (folder / f"{clip_id}.jpg" for folder in corpus.thumbnails)
    return next((str(picture) for picture in pictures if picture.is_file()), "")


def _schema_problem(table: str, properties: Sequence[Column]) -> str:
    """The contract's columns against the record they describe: names, order and kinds."""
    records = {"clips.parquet": ClipRow}
    if table not in records:
        return f"no record describes a table {table!r}"
    kinds = {pl.String: "string", pl.Int64: "integer", pl.Float64: "number"}
    expected = [(name, kinds.get(kind, "array")) for name, kind in record_schema(records[table]).items()]
    stated = [(column.name, column.logicalType) for column in properties]
    wrong = [f"{name} {kind}" for name, kind in dict(set(expected) ^ set(stated)).items()]
    return f"columns differ: {', '.join(sorted(wrong))}" if wrong else ""


def _tell(verdict: VerdictRow | None) -> str:
    return "nothing" if verdict is None else f"{verdict.status.value} ({', '.join(verdict.reasons) or 'no reason'})"
