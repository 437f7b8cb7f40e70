"""``make docs``: write the files that are generated from code."""

from pathlib import Path

from data_contracts.error_catalogue import render_catalogue
from workflows.dvc_pipeline import render_pipeline
from workflows.graph import GRAPH

ROOT = Path(__file__).parents[2]


def generated_files() -> dict[str, str]:
    """Path in the repository -> the text it must have."""
    return {"dvc.yaml": render_pipeline(GRAPH), "docs/errors.md": render_catalogue()}


def main() -> None:
    """Write every generated file."""
    for path, text in generated_files().items():
        (ROOT / path).write_text(text)


if __name__ == "__main__":
    main()
