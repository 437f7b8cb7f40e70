"""The clips behind a release: those of every version of the latents that any of its inputs was made from.

What is accepted today is not what a checkpoint was trained on yesterday, so the licence and the tombstone gates look at
the lineage of the inputs, not at the newest list alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from data_contracts.clip import AcceptedRow
from data_contracts.errors import ErrorCode, OperationError
from infra.catalog import Catalog
from infra.lineage import LineageGraph, Node
from infra.stage_spec import CORPUS
from infra.store import Store
from infra.stored_file import stored_file
from infra.workdir import Workdir

INDEX = "index.parquet"
LATENTS = "latents"


@dataclass(frozen=True, order=True)
class ClosureClip:
    """A clip that a release rests on."""

    clip_id: str
    source_video_id: str
    source: str
    licence: str


COLUMNS = tuple(ClosureClip.__dataclass_fields__)


def closure_clips(workdir: Workdir, inputs: Mapping[str, Path], accepted: Sequence[AcceptedRow]) -> list[ClosureClip]:
    """Clips of the accepted list, of the latents at hand, and of all latents in the lineage of the inputs, sorted."""
    found = {ClosureClip(row.clip_id, row.source_video_id, row.source, row.licence) for row in accepted}
    tables = [inputs[LATENTS] / INDEX, *_earlier_latents(workdir, inputs)]
    for table in tables:
        rows = pl.read_parquet(table, columns=list(COLUMNS)).select(COLUMNS)
        found |= {ClosureClip(*row) for row in rows.iter_rows()}
    return sorted(found)


def _earlier_latents(workdir: Workdir, inputs: Iterable[str]) -> list[Path]:
    """The index of every stored version of the latents that the newest inputs were made from.

    Raises:
        OperationError: one of them is gone, so that nobody can say which clips it held.
    """
    catalog, store = Catalog(workdir.catalog), Store(workdir.objects)
    graph = LineageGraph((record for _, record in catalog.provenance()), frozenset({CORPUS}))
    latest = [pointer for pointer in (catalog.latest(name) for name in inputs) if pointer is not None]
    upstream = graph.upstream(Node(pointer.artifact, pointer.id) for pointer in latest)
    versions = [node.id for node in upstream if node.artifact == LATENTS]
    found = {version: stored_file(catalog, store, version, INDEX) for version in versions}
    lost = next((version for version, path in found.items() if path is None), None)
    if lost is not None:
        raise OperationError(
            ErrorCode.ARTIFACT_CORRUPT,
            f"{INDEX} of latents {lost} is gone from {store.root}: the clips behind the release are not known",
            "run `dvc fetch` to restore it from the remote, or train again on the latents at hand",
        )
    return list(dict.fromkeys(path for path in found.values() if path is not None))
