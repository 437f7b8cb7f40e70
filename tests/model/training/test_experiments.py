"""The stored loss curve of the tiny network still holds; the key-scale experiment runs and records."""

import json
from pathlib import Path

import pytest

from model.training import loss_curve, stability

STORED = Path(__file__).parents[3] / "docs/benchmarks/tiny_loss.json"


def test_the_tiny_network_trains_as_it_did() -> None:
    assert loss_curve.main(["--against", str(STORED)]) == 0
    losses = json.loads(STORED.read_text())["loss"]
    assert sum(losses[-10:]) < sum(losses[:10])


@pytest.mark.parametrize(
    ("found", "difference"),
    [([1.0, 2.0], 0.0), ([1.0, 2.2], 0.1), ([1.0], float("inf")), ([1.0, float("nan")], float("inf"))],
    ids=["same", "one off", "short", "not a number"],
)
def test_a_curve_that_differs_is_seen(found: list[float], difference: float) -> None:
    assert loss_curve.largest_difference(found, [1.0, 2.0]) == pytest.approx(difference)


def test_the_key_scale_experiment_records_every_step(tmp_path: Path) -> None:
    assert stability.main(["--tiny", "--steps", "2", "--out", str(tmp_path)]) == 0
    record = json.loads((tmp_path / "stability.json").read_text())
    assert {name: len(rows) for name, rows in record["runs"].items()} == dict.fromkeys(stability.SCALES, 2)
    stability.draw(record, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 1000
