"""The loss curve of the tiny network, stored and compared: ``python -m model.training.loss_curve --against FILE``.

Forty steps of flow matching in float32 with a scanning and a softmax block, camera branches and carried gradients of
every kernel. On a GPU the kernels run, on a CPU their references, and both must train alike.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import torch

from model.config import tiny
from model.training.stability import SCALES, Experiment, train

STEPS = 40
LIMITS = {"cpu": 1e-5, "cuda": 1e-3}
"""Largest relative difference of a step's loss. CPUs differ in the order of sums, so not even they agree to the bit."""


def loss_curve(device: torch.device, steps: int = STEPS) -> list[float]:
    """The loss of every step."""
    experiment = Experiment(tiny(), 4, 8, 8, steps, device, torch.float32)
    return [row["loss"] or float("nan") for row in train(experiment, SCALES["1/sqrt(D S)"])]


def largest_difference(found: list[float], stored: list[float]) -> float:
    """Of two curves, relative and step by step; infinite where their lengths differ or a loss is not a number."""
    if len(found) != len(stored):
        return float("inf")
    differences = [abs(ours - theirs) / abs(theirs) for ours, theirs in zip(found, stored, strict=True)]
    return float("inf") if any(map(math.isnan, differences)) else max(differences)


def main(arguments: list[str] | None = None) -> int:
    """Train, compare or write; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="write the curve to this JSON file")
    parser.add_argument("--against", type=Path, help="compare with this JSON file")
    options = parser.parse_args(arguments)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    curve = loss_curve(device)
    if options.out is not None:
        name = torch.cuda.get_device_name() if device.type == "cuda" else "cpu"
        record = {"device": name, "torch": torch.__version__, "loss": curve}
        options.out.write_text(json.dumps(record, indent=1) + "\n")
    if options.against is None:
        return 0
    difference = largest_difference(curve, json.loads(options.against.read_text())["loss"])
    sys.stdout.write(f"{len(curve)} steps on {device}, largest relative difference {difference:.1e}, ")
    sys.stdout.write(f"limit {LIMITS[device.type]:.0e}\n")
    return int(difference > LIMITS[device.type])


if __name__ == "__main__":
    sys.exit(main())
