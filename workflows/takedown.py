"""Who holds a clip that is taken down: stored media, latent shards, checkpoints and released versions."""

from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from data_contracts.decision import LedgerEntry
from data_contracts.errors import ErrorCode, InputError
from data_contracts.takedown import Holding, TakedownReport
from infra.lineage import Node
from workflows.lineage import CLIP_TABLES, RELEASE, SHORTEST_PREFIX, Lineage

if TYPE_CHECKING:
    import polars as pl

LATENTS = "latents"
MEDIA = (*CLIP_TABLES, "pose")
WEIGHTS = ".safetensors"


@dataclass(frozen=True)
class Subject:
    """What a steward named: its canonical name, the clips that are meant, and their paths."""

    name: str
    clip_ids: list[str]
    paths: list[str]


def find_subject(lineage: Lineage, reference: str) -> Subject:
    """A clip by its id, the beginning of one or its path, or every clip of a source video by that video's id.

    Every version of the corpus that the workdir remembers is searched: a clip that is no longer listed can still stand
    behind a checkpoint.

    Raises:
        InputError: nothing is called so, or several clips are.
    """
    import polars as pl

    tables = [pl.read_parquet(BytesIO(content), columns=_COLUMNS) for content in _clip_tables(lineage)]
    if not tables:
        raise _unknown(reference, "the workdir lists no clips")
    listed = pl.concat(tables).unique().filter(pl.col("clip_id") != "").sort("path")
    video = listed.filter(pl.col("source_video_id") == reference)
    if len(video):
        return Subject(reference, *_ids_and_paths(video))
    named = pl.col("path") == reference
    if len(reference) >= SHORTEST_PREFIX:
        named |= pl.col("clip_id").str.starts_with(reference)
    found = listed.filter(named)
    ids, paths = _ids_and_paths(found)
    if len(ids) != 1:
        raise _unknown(reference, f"it is the beginning of {len(ids)} clip ids" if ids else "it is no clip or video")
    return Subject(ids[0], ids, paths)


def report_holdings(lineage: Lineage, subject: Subject, entry: LedgerEntry) -> TakedownReport:
    """Every artifact that holds the subject's clips, and every release behind which they stand."""
    shards = _shards(lineage, subject.clip_ids)
    trained = lineage.graph.downstream(Node(LATENTS, holding.id) for holding in shards)
    releases = [node for node in trained if node.artifact == RELEASE]
    checkpoints = [
        Holding(artifact=node.artifact, id=node.id, parts=[])
        for node in trained
        if node.artifact != RELEASE and any(name.endswith(WEIGHTS) for name in lineage.files_of(node))
    ]
    return TakedownReport(
        entry=entry,
        paths=subject.paths,
        media=_media(lineage, subject.clip_ids),
        shards=shards,
        checkpoints=checkpoints,
        served=[lineage.version_name(node) for node in releases],
    )


_COLUMNS = ["clip_id", "source_video_id", "path"]


def _clip_tables(lineage: Lineage) -> Iterable[bytes]:
    nodes = (node for node in sorted(lineage.graph.records) if node.artifact in CLIP_TABLES)
    return [content for content in (lineage.file_of(node, "clips.parquet") for node in nodes) if content]


def _ids_and_paths(rows: "pl.DataFrame") -> tuple[list[str], list[str]]:
    return sorted(set(rows["clip_id"].to_list())), sorted(set(rows["path"].to_list()))


def _media(lineage: Lineage, clip_ids: Iterable[str]) -> list[Holding]:
    wanted = frozenset(clip_ids)
    found = []
    for node in sorted(lineage.graph.records):
        if node.artifact in MEDIA:
            parts = [name for name in lineage.files_of(node) if name.rpartition("/")[2].partition(".")[0] in wanted]
            if parts:
                found.append(Holding(artifact=node.artifact, id=node.id, parts=parts))
    return found


def _shards(lineage: Lineage, clip_ids: Iterable[str]) -> list[Holding]:
    import polars as pl

    wanted, found = list(clip_ids), []
    for node in sorted(lineage.graph.records):
        content = lineage.file_of(node, "index.parquet") if node.artifact == LATENTS else b""
        if content:
            rows = pl.read_parquet(BytesIO(content), columns=["clip_id", "shard"])
            held = sorted(set(rows.filter(pl.col("clip_id").is_in(wanted))["shard"].to_list()))
            if held:
                parts = [f"shards/{shard}.safetensors" for shard in held]
                found.append(Holding(artifact=node.artifact, id=node.id, parts=parts))
    return found


def _unknown(reference: str, why: str) -> InputError:
    return InputError(
        ErrorCode.ARTIFACT_UNKNOWN,
        f"{reference!r}: {why}",
        "`wm corpus stats --json` lists clip ids and paths; a source video's id is in ingest's clips.parquet",
    )
