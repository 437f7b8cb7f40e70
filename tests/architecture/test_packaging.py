"""Guards of the packaging: the seven folders are the import packages, and nobody else claims their names."""

import ast
import importlib.metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"data_contracts", "infra", "kernels", "model", "serving", "tasks", "workflows"}


def test_kernels_is_a_docstring_only() -> None:
    """``kernels`` is also a distribution that transformers and diffusers probe for."""
    body = ast.parse((ROOT / "kernels" / "__init__.py").read_text()).body
    assert len(body) == 1
    assert isinstance(body[0], ast.Expr)


def test_the_version_starts_at_one() -> None:
    assert int(importlib.metadata.version("sana-wm").split(".")[0]) >= 1


def test_transformers_does_not_take_our_kernels_for_theirs() -> None:
    from transformers.utils import is_kernels_available

    assert is_kernels_available() is False


def test_no_other_distribution_claims_a_name() -> None:
    owners = importlib.metadata.packages_distributions()
    for package in PACKAGES & owners.keys():
        assert set(owners[package]) == {"sana-wm"}, package


def test_the_wheel_holds_the_seven_packages() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == PACKAGES
    assert "Private :: Do Not Upload" in project["project"]["classifiers"]


def test_locked_lines_are_plain() -> None:
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        name, separator, version = line.partition("==")
        assert separator, line
        assert name, line
        assert version[:1].isdigit(), line
        assert not {"/", "@", "+", ";"} & set(line), line


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_every_folder_of_a_package_is_a_package(package: str) -> None:
    for folder in (ROOT / package).rglob("*"):
        if folder.is_dir() and any(folder.glob("*.py")) and folder.name != "__pycache__":
            assert (folder / "__init__.py").exists(), folder
