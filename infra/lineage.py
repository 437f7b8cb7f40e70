"""The graph of everything a workdir ever made, from its provenance records, and the audit of its bytes.

A node is one version of an artifact. The graph keeps all productions of a version, so its parents are the union.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from data_contracts.errors import SanaWMError
from data_contracts.provenance import Manifest, Provenance
from infra.catalog import Catalog, manifest_digest
from infra.corpus_input import changed_corpus_files
from infra.files import digest_both
from infra.signing import in_workdir, trusted_key, verify_directory
from infra.store import Store, directory_id
from infra.workdir import Workdir


@dataclass(frozen=True, order=True)
class Node:
    """One version of an artifact."""

    artifact: str
    id: str


class LineageGraph:
    """Parents and children of every node; ``outside`` names inputs that no stage makes."""

    def __init__(self, records: Iterable[Provenance], outside: frozenset[str]) -> None:
        self.records: dict[Node, list[Provenance]] = {}
        self.parents: dict[Node, set[Node]] = {}
        self.children: dict[Node, set[Node]] = {}
        for record in records:
            node = Node(record.artifact, record.id)
            self.records.setdefault(node, []).append(record)
            for name, artifact_id in {**record.inputs, **record.reads}.items():
                if name not in outside:
                    self.parents.setdefault(node, set()).add(Node(name, artifact_id))
                    self.children.setdefault(Node(name, artifact_id), set()).add(node)

    def upstream(self, nodes: Iterable[Node]) -> list[Node]:
        """Everything these were made from, without themselves, sorted."""
        return self._reach(nodes, self.parents)

    def downstream(self, nodes: Iterable[Node]) -> list[Node]:
        """Everything that was made from these, without themselves, sorted."""
        return self._reach(nodes, self.children)

    def _reach(self, nodes: Iterable[Node], edges: Mapping[Node, set[Node]]) -> list[Node]:
        starts = set(nodes)
        reached: set[Node] = set()
        waiting = list(starts)
        while waiting:
            for node in edges.get(waiting.pop(), set()) - reached:
                reached.add(node)
                waiting.append(node)
        return sorted(reached - starts)


class Audit:
    """Reads every byte behind a set of nodes and says what is not as it was recorded."""

    def __init__(self, workdir: Workdir, remote: Path | None) -> None:
        self.workdir = workdir
        self.catalog = Catalog(workdir.catalog)
        places = [workdir.objects] + ([remote / "files" / "md5"] if remote and remote.is_dir() else [])
        self.stores = [Store(place) for place in places]

    def records(self) -> list[str]:
        """Problems of the catalogue itself: a record that was changed, moved or cannot be read."""
        checks: list[tuple[Iterable[Path], Callable[[Path], str]]] = [
            (self.catalog.provenance_files(), self._check_provenance),
            (sorted((self.catalog.root / "manifests").glob("*.json")), self._check_manifest),
        ]
        found = (check(path) for paths, check in checks for path in paths)
        return [problem for problem in found if problem] + self._check_pointers()

    def bytes_of(self, nodes: Iterable[Node], graph: LineageGraph) -> list[str]:
        """Problems of the nodes' bytes in the store, the remote and the checkout, and of their records."""
        return [problem for node in nodes for problem in self._node(node, graph)]

    def corpus(self, corpus_ids: Iterable[str]) -> list[str]:
        """Problems of the raw corpus, where it is still at its place."""
        found = {path for corpus_id in corpus_ids for path in changed_corpus_files(self.workdir, corpus_id)}
        return [f"corpus: {self._relative(Path(path))} is missing or changed" for path in sorted(found)]

    def signature(self, node: Node) -> list[str]:
        """Problems of the signature of a node's checkout, where one was made."""
        files = in_workdir(self.workdir.root, node.artifact, node.id)
        latest = self.catalog.latest(node.artifact)
        if latest is None or latest.id != node.id or not (files.manifest.exists() or files.signature.exists()):
            return []
        try:
            verify_directory(self.workdir.artifact(node.artifact), trusted_key(self.workdir.root / "keys"), files)
        except SanaWMError as error:
            return [f"{self._relative(files.manifest)}: {error.message}"]
        return []

    def _node(self, node: Node, graph: LineageGraph) -> list[str]:
        if node not in graph.records:
            return [f"{node.artifact} {node.id}: no provenance, though something was made from it"]
        try:
            manifest = self.catalog.manifest(node.id)
        except SanaWMError as error:
            return [f"{node.artifact} {node.id}: {error.message}"]
        if manifest_digest(manifest) not in {record.manifest_digest for record in graph.records[node]}:
            return [f"{self._relative(self.catalog.manifest_path(node.id))} was changed: no production recorded it so"]
        holders = self._holders(manifest)
        stored = [self._relative(store.root / name) for store in holders for name in store.verify(manifest)]
        return [f"{node.artifact}: {path} is missing or changed" for path in stored] + self._checkout(node, manifest)

    def _holders(self, manifest: Manifest) -> list[Store]:
        """The workdir's own store, and the remote if it was ever given this artifact."""
        first, *others = self.stores
        return [first, *(store for store in others if store.object_path(manifest.id).exists())]

    def _checkout(self, node: Node, manifest: Manifest) -> list[str]:
        latest = self.catalog.latest(node.artifact)
        directory = self.workdir.artifact(node.artifact)
        if latest is None or latest.id != node.id or not directory.is_dir():
            return []
        paths = {directory / file.path: file.sha256 for file in manifest.files}
        changed = [path for path, digest in paths.items() if not path.exists() or digest_both(path).sha256 != digest]
        extra = [path for path in directory.rglob("*") if path.is_file() and path not in paths]
        return [f"{node.artifact}: {self._relative(path)} is missing or changed" for path in changed] + [
            f"{node.artifact}: {self._relative(path)} does not belong there" for path in extra
        ]

    def _check_provenance(self, path: Path) -> str:
        if hashlib.sha256(path.read_bytes()).hexdigest() != path.stem:
            return f"{self._relative(path)} was changed: its bytes are not those it is named after"
        record = Provenance.model_validate_json(path.read_bytes())
        home = path.relative_to(self.catalog.root / "provenance").parts[:2]
        return "" if home == (record.artifact, record.id) else f"{self._relative(path)} was moved"

    def _check_manifest(self, path: Path) -> str:
        try:
            manifest = Manifest.model_validate_json(path.read_bytes())
        except ValidationError:
            return f"{self._relative(path)} cannot be read"
        same = manifest.id == path.stem == directory_id(manifest.files)
        return "" if same else f"{self._relative(path)} was changed: its files do not give its id"

    def _check_pointers(self) -> list[str]:
        """Latest pointers must name a version that has a provenance."""
        problems = []
        for path in sorted((self.catalog.root / "latest").glob("*.json")):
            try:
                pointer = self.catalog.latest(path.stem)
                known = pointer and self.catalog.provenance_of(path.stem, pointer.id)
            except SanaWMError:
                known = None
            if not known:
                problems.append(f"{self._relative(path)} names nothing that was made here")
        return problems

    def _relative(self, path: Path) -> str:
        root = self.workdir.root
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
