"""What a stage's result depends on: its code, its configuration, its inputs. Never the machine, a time or a path.

The code digest covers the first-party modules that can be reached by import from the stage's module, found by reading
the source (nothing is executed), imports inside functions and modules named in strings included (workers are started
by name), and the versions of the third-party packages those modules import.
"""

import ast
import hashlib
import importlib.metadata
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.files import digest_both
from infra.stage import digest_json

MODULE_NAME = re.compile(r"^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)+(:[A-Za-z_]\w*)?$")

DISTRIBUTIONS = {
    "yaml": "PyYAML",
    "cv2": "opencv-python-headless",
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "flytekitplugins": "flytekitplugins-kfpytorch",
}


@dataclass(frozen=True)
class StageKey:
    """The parts of a key, kept apart so that a plan can say which one changed."""

    stage: str
    code: str
    config: str
    resources: str
    inputs: Mapping[str, str]

    @property
    def digest(self) -> str:
        """The key."""
        return digest_json({**self.parts, "stage": self.stage})

    @property
    def parts(self) -> dict[str, object]:
        """Name -> digest of each part."""
        return {"code": self.code, "config": self.config, "resources": self.resources, "inputs": dict(self.inputs)}


@dataclass(frozen=True)
class Code:
    """The code of one stage: module -> SHA-256 of its source, third-party distribution -> version."""

    modules: Mapping[str, str]
    packages: Mapping[str, str]

    @property
    def digest(self) -> str:
        """One digest of all of it."""
        return digest_json({"modules": dict(self.modules), "packages": dict(self.packages)})


class CodeIndex:
    """Reads the source under ``root``; each file at most once."""

    def __init__(self, root: Path, packages: Iterable[str]) -> None:
        self.root = root
        self.packages = frozenset(packages)
        self._imports: dict[str, frozenset[str]] = {}
        self._digests: dict[str, str] = {}

    def code(self, module: str) -> Code:
        """The code of the stage that starts in ``module``."""
        reached = self._closure(module)
        first = {name: self._digests[name] for name in sorted(reached) if name in self._digests}
        tops = {name.partition(".")[0] for name in reached if name not in self._digests}
        return Code(first, self._versions(tops))

    def resources(self, globs: Iterable[str]) -> str:
        """Digest of the data files that match, by path."""
        paths = sorted({path for glob in globs for path in self.root.glob(glob) if path.is_file()})
        return digest_json({path.relative_to(self.root).as_posix(): digest_both(path).sha256 for path in paths})

    def _closure(self, module: str) -> set[str]:
        reached: set[str] = set()
        waiting = [module]
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                waiting.extend(self._imported(name) - reached)
        return reached

    def _imported(self, module: str) -> frozenset[str]:
        """Modules that ``module`` names, and its parent packages; nothing for third-party ones."""
        if module not in self._imports:
            path = self._path(module)
            self._imports[module] = frozenset() if path is None else self._parse(module, path)
        return self._imports[module]

    def _parse(self, module: str, path: Path) -> frozenset[str]:
        source = path.read_bytes()
        self._digests[module] = hashlib.sha256(source).hexdigest()
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        names = {name for node in ast.walk(ast.parse(source)) for name in self._names(node, package)}
        parent = module.rpartition(".")[0]
        return frozenset(names | ({parent} if parent else set()))

    def _names(self, node: ast.AST, package: str) -> Iterable[str]:
        if isinstance(node, ast.Import):
            return [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            return self._from_names(node, package)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and MODULE_NAME.match(node.value):
            name = node.value.partition(":")[0]
            return [name] if self._path(name) else []
        return []

    def _from_names(self, node: ast.ImportFrom, package: str) -> list[str]:
        base = node.module or ""
        if node.level:
            parts = package.split(".")
            base = ".".join([*parts[: len(parts) - node.level + 1], *([base] if base else [])])
        members = [f"{base}.{alias.name}" for alias in node.names]
        return [base, *(member for member in members if self._path(member))]

    def _path(self, module: str) -> Path | None:
        if module.partition(".")[0] not in self.packages:
            return None
        base = self.root.joinpath(*module.split("."))
        candidates = (base / "__init__.py", base.with_suffix(".py"))
        return next((path for path in candidates if path.is_file()), None)

    def _versions(self, tops: Iterable[str]) -> dict[str, str]:
        third_party = sorted(set(tops) - sys.stdlib_module_names - self.packages)
        names = {top: distribution_of(top) for top in third_party}
        return {name: _version(name) for name in sorted({n for n in names.values() if n})}


def distribution_of(top: str) -> str:
    """The distribution that brings a top-level import name, empty when none is installed under that name.

    Reading the index of all installed files would take seconds, so the few that are not called as they are imported
    are listed; a test checks that every import of the product is found.
    """
    name = DISTRIBUTIONS.get(top, top)
    try:
        return importlib.metadata.distribution(name).metadata["Name"]
    except importlib.metadata.PackageNotFoundError:
        return ""


def _version(distribution: str) -> str:
    """The public version: ``+cpu`` and the like say which build of it a machine has, and no machine is in a key."""
    return importlib.metadata.version(distribution).partition("+")[0]
