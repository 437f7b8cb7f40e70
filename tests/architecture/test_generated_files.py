"""Files that are generated from code are as the code would write them today."""

from pathlib import Path

import pytest

from data_contracts.error_catalogue import MEANINGS
from data_contracts.errors import ErrorCode
from workflows.cli.docs import generated_files

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", sorted(generated_files()))
def test_the_file_is_fresh(path: str) -> None:
    assert (ROOT / path).read_text() == generated_files()[path], f"{path} is stale: run `make docs`"


def test_every_code_has_a_meaning_and_a_fix() -> None:
    assert set(MEANINGS) == set(ErrorCode)
    assert all(meaning and fix for meaning, fix in MEANINGS.values())
