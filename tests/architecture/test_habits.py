"""Habits that linters hold: formatted, lint-free, spelled, and free of what the house forbids."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = Path(sys.executable).parent
PACKAGES = ("data_contracts", "infra", "kernels", "model", "serving", "tasks", "workflows")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize(
    "command",
    [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("codespell",)],
    ids=["lint", "format", "spelling"],
)
def test_the_tool_is_content(command: tuple[str, ...]) -> None:
    call = [TOOLS / command[0], *command[1:]]
    result = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def environment_reads(source: str) -> list[int]:
    """Lines that name ``os.environ`` or ``os.getenv``, or import them from ``os``."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        attribute = isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
        imported = isinstance(node, ast.ImportFrom) and node.module == "os"
        if attribute or (imported and {alias.name for alias in node.names} & {"environ", "getenv"}):
            lines.append(node.lineno)
    return lines


def test_only_the_settings_read_the_environment() -> None:
    found = {str(path.relative_to(ROOT)) for path in SOURCES if environment_reads(path.read_text())}
    assert found <= {"infra/settings.py"}


def test_the_environment_check_can_go_red() -> None:
    assert environment_reads("import os\nos.environ['A']") == [2]
    assert environment_reads("from os import getenv") == [1]


FORBIDDEN = re.compile(
    r"NotImplementedError|\bTODO\b|\bFIXME\b|\bimport pickle\b"
    r"|trust_remote_code=True|weights_only=False|allow_pickle=True"
)


def test_nothing_is_left_unfinished_or_unsafe() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in SOURCES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if FORBIDDEN.search(line)
    ]
    assert not found, "\n".join(found)


def bare_asserts(source: str) -> list[int]:
    """Lines of ``assert`` statements, which vanish under ``python -O``."""
    return [node.lineno for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assert)]


def test_no_assert_guards_anything() -> None:
    found = {str(path.relative_to(ROOT)): lines for path in SOURCES if (lines := bare_asserts(path.read_text()))}
    assert not found


def swallowed(source: str) -> list[int]:
    """Lines of handlers of everything that do nothing."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}))
        and all(isinstance(statement, ast.Pass) for statement in node.body)
    ]


def test_no_exception_is_swallowed() -> None:
    found = {str(path.relative_to(ROOT)): lines for path in SOURCES if (lines := swallowed(path.read_text()))}
    assert not found
    assert swallowed("try:\n    f()\nexcept Exception:\n    pass") == [3]


LINKS = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")


def test_links_of_the_docs_resolve() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)} -> {target}"
        for page in pages
        for target in LINKS.findall(page.read_text())
        if not (page.parent / target).exists()
    ]
    assert not broken, "\n".join(broken)
