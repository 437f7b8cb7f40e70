"""References into a workdir, resolved and followed both ways, down to clips and up to releases."""

import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from data_contracts.errors import ErrorCode, InputError, SanaWMError
from data_contracts.lineage import LineageClip, LineageNode, LineageReport, ReferenceKind
from data_contracts.provenance import Provenance
from infra.catalog import Catalog
from infra.lineage import Audit, LineageGraph, Node
from infra.settings import Settings
from infra.stage_spec import CORPUS
from infra.store import Store
from infra.stored_file import stored_file
from infra.workdir import Workdir
from workflows.graph import StageGraph

RELEASE = "release"
MODEL_VERSION_FILE = "model_version.json"
CLIP_LISTS = ("latents", "filter_accepted", "ingest")
"""Where the clips behind something are listed, the narrowest first."""
CLIP_TABLES = ("ingest", "splat")
SHORTEST_PREFIX = 6


@dataclass(frozen=True)
class _Found:
    kind: ReferenceKind
    nodes: list[Node]


class Lineage:
    """Answers questions about one workdir."""

    def __init__(self, graph: StageGraph, workdir: Workdir, settings: Settings) -> None:
        self._stages = graph
        self._workdir = workdir
        self._catalog = Catalog(workdir.catalog)
        self._store = Store(workdir.objects)
        remote = None if "://" in settings.remote else workdir.root / settings.remote
        self._audit = Audit(workdir, remote)
        self._unreadable: list[str] = []
        self.graph = LineageGraph(self._records(), frozenset({CORPUS}))

    def report(self, reference: str, *, verify: bool) -> LineageReport:
        """Follow a reference both ways.

        Args:
            reference: artifact name or id, clip id, MLflow run id, model version (``name/version`` or ``version``);
                ids may be shortened to six characters.
            verify: read every byte behind the chain again.

        Raises:
            InputError: the workdir knows nothing of this name.
        """
        found = self._resolve(reference)
        upstream, downstream = self.graph.upstream(found.nodes), self.graph.downstream(found.nodes)
        problems: list[str] = []
        if verify:
            chain = sorted({*found.nodes, *upstream, *downstream})
            problems = [*self._unreadable, *self._problems(chain)]
        clips = [reference] if found.kind is ReferenceKind.CLIP else self._clip_ids([*found.nodes, *upstream])
        return LineageReport(
            reference=reference,
            kind=found.kind,
            subjects=self._describe(found.nodes),
            upstream=self._describe(upstream),
            downstream=self._describe(downstream),
            clips=self._clips(clips, [*found.nodes, *upstream]),
            verified=verify,
            problems=list(dict.fromkeys(problems)),
        )

    def _problems(self, chain: list[Node]) -> list[str]:
        """Everything behind a chain, read again: records, artifacts, signatures, the raw corpus."""
        records = [record for node in chain for record in self.graph.records.get(node, [])]
        corpora = {record.inputs[CORPUS] for record in records if CORPUS in record.inputs}
        signatures = [problem for node in chain for problem in self._audit.signature(node)]
        artifacts = self._audit.bytes_of(chain, self.graph)
        return [*self._audit.records(), *artifacts, *signatures, *self._audit.corpus(corpora)]

    def _records(self) -> list[Provenance]:
        """Every record that can be read; the others are problems of their own."""
        records = []
        for path in self._catalog.provenance_files():
            try:
                records.append(Provenance.model_validate_json(path.read_bytes()))
            except ValueError:
                self._unreadable.append(f"{path.relative_to(self._workdir.root).as_posix()} cannot be read")
        return records

    def _resolve(self, reference: str) -> _Found:
        for kind, find in (
            (ReferenceKind.ARTIFACT, self._by_artifact),
            (ReferenceKind.TRACKING_RUN, self._by_tracking_run),
            (ReferenceKind.MODEL_VERSION, self._by_model_version),
            (ReferenceKind.CLIP, self._by_clip),
        ):
            nodes = find(reference)
            if nodes:
                return _Found(kind, nodes)
        raise InputError(
            ErrorCode.ARTIFACT_UNKNOWN,
            f"{reference!r} is no artifact, clip, MLflow run or model version of {self._workdir.root}",
            "pass an artifact's name or id, a clip id, an MLflow run id or a model version",
        )

    def _by_artifact(self, reference: str) -> list[Node]:
        outputs = next((spec.outputs for spec in self._stages.stages if spec.name == reference), (reference,))
        latest = [pointer for pointer in (self._catalog.latest(name) for name in outputs) if pointer]
        if latest:
            return [Node(pointer.artifact, pointer.id) for pointer in latest]
        return [node for node in sorted(self.graph.records) if _matches(node.id, reference)]

    def _by_tracking_run(self, reference: str) -> list[Node]:
        return [
            node
            for node, records in sorted(self.graph.records.items())
            if any(_matches(record.mlflow_run, reference) for record in records)
        ]

    def _by_model_version(self, reference: str) -> list[Node]:
        wanted = reference.rpartition("/")[2].removeprefix("v")
        return [
            node
            for node in sorted(self.graph.records)
            if node.artifact == RELEASE and wanted and self.version_of(node) == wanted
        ]

    def version_of(self, node: Node) -> str:
        """The model version that a release is, empty where it names none."""
        content = self.file_of(node, MODEL_VERSION_FILE)
        return str(json.loads(content)["version"]) if content else ""

    def _by_clip(self, reference: str) -> list[Node]:
        return [node for node in sorted(self.graph.records) if self._lists(node, reference)]

    def _lists(self, node: Node, clip_id: str) -> bool:
        """Whether any table of an artifact has a row of the clip."""
        import polars

        for content in self._tables(node):
            table = polars.scan_parquet(content)
            if "clip_id" in table.collect_schema().names():
                found = table.filter(polars.col("clip_id") == clip_id).select("clip_id").head(1).collect()
                if len(found):
                    return True
        return False

    def _listed(self, node: Node) -> set[str]:
        """Clip ids in any table of an artifact."""
        found: set[str] = set()
        for content in self._tables(node):
            import polars

            if "clip_id" in polars.read_parquet_schema(io.BytesIO(content)):
                found |= set(polars.read_parquet(io.BytesIO(content), columns=["clip_id"])["clip_id"].to_list())
        return found - {""}

    def _tables(self, node: Node) -> list[bytes]:
        names = [name for name in self.files_of(node) if name.endswith(".parquet")]
        return [content for content in (self.file_of(node, name) for name in names) if content]

    def version_name(self, node: Node) -> str:
        """``name/version`` of a release."""
        content = self.file_of(node, MODEL_VERSION_FILE)
        record = json.loads(content) if content else {"name": node.artifact, "version": node.id}
        return f"{record['name']}/{record['version']}"

    def files_of(self, node: Node) -> list[str]:
        """Paths of a stored artifact's files; empty when its manifest is gone."""
        if not self._catalog.manifest_path(node.id).exists():
            return []
        return [file.path for file in self._catalog.manifest(node.id).files]

    def file_of(self, node: Node, name: str) -> bytes:
        """A file of a stored artifact, empty when it is not there or its manifest cannot be read."""
        try:
            path = stored_file(self._catalog, self._store, node.id, name)
        except SanaWMError:
            return b""
        return path.read_bytes() if path else b""

    def _clip_ids(self, nodes: Iterable[Node]) -> list[str]:
        by_name = {node.artifact: node for node in nodes}
        narrowest = next((by_name[name] for name in CLIP_LISTS if name in by_name), None)
        return sorted(self._listed(narrowest)) if narrowest else []

    def _clips(self, clip_ids: Iterable[str], nodes: Iterable[Node]) -> list[LineageClip]:
        rows: dict[str, Mapping[str, str]] = {}
        for node in nodes:
            if node.artifact in CLIP_TABLES:
                rows |= self._clip_rows(node)
        empty = {"path": "", "source": "", "licence": ""}
        return [LineageClip(clip_id=clip_id, **rows.get(clip_id, empty)) for clip_id in clip_ids]

    def _clip_rows(self, node: Node) -> dict[str, Mapping[str, str]]:
        import polars

        content = self.file_of(node, "clips.parquet")
        if not content:
            return {}
        table = polars.read_parquet(io.BytesIO(content), columns=["clip_id", "path", "source", "licence"])
        return {row["clip_id"]: {key: row[key] for key in ("path", "source", "licence")} for row in table.to_dicts()}

    def _describe(self, nodes: Iterable[Node]) -> list[LineageNode]:
        """In the order of the stages; of several productions of the same bytes, the last."""
        outputs = [output for spec in self._stages.stages for output in spec.outputs]
        order = {output: index for index, output in enumerate(outputs)}
        found = [self.graph.records[node][-1] for node in nodes if node in self.graph.records]
        fields = LineageNode.model_fields
        described = [LineageNode(**{name: getattr(record, name) for name in fields}) for record in found]
        return sorted(described, key=lambda node: (order.get(node.artifact, -1), node.id))


def open_lineage(graph: StageGraph, directory: Path, settings: Settings) -> Lineage:
    """The lineage of a workdir.

    Raises:
        InputError: the directory holds no catalogue.
    """
    workdir = Workdir(directory.resolve())
    if not (workdir.catalog / "provenance").is_dir():
        raise InputError(
            ErrorCode.ARTIFACT_UNKNOWN, f"{workdir.root} holds no catalogue", "pass the --workdir of a finished run"
        )
    return Lineage(graph, workdir, settings)


def _matches(identity: str, reference: str) -> bool:
    return identity == reference or (len(reference) >= SHORTEST_PREFIX and identity.startswith(reference))
