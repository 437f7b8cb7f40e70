"""Why keys are scaled by ``1/sqrt(D S)`` (Fig. 6): ``python -m model.training.stability --out DIR``.

An all-GDN network is trained on flow matching three times from the same weights, data and noise: with unscaled keys,
with ``1/sqrt(D)`` as token-wise delta rules scale them, and with ``1/sqrt(D S)``. Every step's loss and gradient norm
are written to ``stability.json``; a run ends where either stops being finite.
"""

import argparse
import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import torch
from torch import Tensor

from model.causal.layout import ChunkLayout
from model.config import BackboneConfig, paper, tiny, v2
from model.layers.initialization import build_backbone
from model.types import CameraConditioning, TextConditioning

SCALES: Mapping[str, Callable[[int, int], float]] = {
    "no scale": lambda _dim, _space: 1.0,
    "1/sqrt(D)": lambda dim, _space: dim**-0.5,
    "1/sqrt(D S)": lambda dim, space: (dim * space) ** -0.5,
}
LEARNING_RATE, CLIP = 1e-4, 0.5


@dataclass(frozen=True)
class Experiment:
    """Sizes of the network and of a clip, and how long it is trained."""

    config: BackboneConfig
    frames: int
    height: int
    width: int
    steps: int
    device: torch.device
    dtype: torch.dtype


def small(device: torch.device, steps: int) -> Experiment:
    """Six blocks of four released heads on clips of 81 raw frames at the released latent grid."""
    config = replace(paper(), hidden=4 * 112, heads=4, depth=6, softmax_blocks=())
    return Experiment(config, 11, 22, 40, steps, device, torch.bfloat16)


def toy(steps: int) -> Experiment:
    """Two tiny blocks on the CPU: a test of this program."""
    config = replace(tiny(), depth=2, softmax_blocks=())
    return Experiment(config, 4, 8, 8, steps, torch.device("cpu"), torch.float32)


def train(experiment: Experiment, scale: Callable[[int, int], float]) -> list[dict[str, float | None]]:
    """Loss and gradient norm of every step, up to the first that is not finite, which ends as None."""
    generator = torch.Generator().manual_seed(0)
    config, device = experiment.config, experiment.device
    model = build_backbone(config, v2(), generator)
    with torch.no_grad():  # the output layer begins at zero and would hide the scan for a step
        model.final_layer.linear.weight.normal_(std=0.02, generator=generator)
    model.to(device, experiment.dtype).train()
    optimizer = torch.optim.AdamW(model.parameters(), LEARNING_RATE, betas=(0.9, 0.999), eps=1e-10, weight_decay=0.0)
    rows = []
    with patch("model.mixers.frame_gdn.key_scale", scale):
        for _ in range(experiment.steps):
            loss = _loss(model, experiment, generator)
            optimizer.zero_grad()
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            rows.append({"loss": _finite(loss), "gradient": _finite(norm)})
            if None in rows[-1].values():
                break
            optimizer.step()
    return rows


def _finite(value: Tensor) -> float | None:
    """JSON has no word for NaN."""
    number = float(value.detach())
    return number if math.isfinite(number) else None


def _loss(model: torch.nn.Module, experiment: Experiment, generator: torch.Generator) -> Tensor:
    """Flow matching on a clip of moving waves, the same for every scale at the same step."""
    kind = {"device": experiment.device, "dtype": experiment.dtype}
    clean = _waves(experiment, generator)
    noise = torch.randn(clean.shape, generator=generator)
    sigma = float(torch.sigmoid(torch.randn((), generator=generator)))
    noisy = ((1 - sigma) * clean + sigma * noise).to(**kind)
    text = torch.randn(1, experiment.config.text_tokens, experiment.config.caption_channels, generator=generator)
    mask = torch.ones(1, experiment.config.text_tokens, device=experiment.device)
    level = torch.full((1,), 1000 * sigma, device=experiment.device)
    layout = ChunkLayout.single(experiment.frames)
    found = model(noisy, level, TextConditioning(text.to(**kind), mask), _still(experiment), layout)
    return (found.float() - (noise - clean).to(experiment.device)).square().mean()


def _waves(experiment: Experiment, generator: torch.Generator) -> Tensor:
    """Channels of plane waves that drift with time: correlated in space and time, as latents are."""
    channels = experiment.config.latent_channels
    frequency = torch.randn(3, channels, 1, 1, 1, generator=generator) * 3
    phase = torch.randn(channels, 1, 1, 1, generator=generator)
    t, y, x = torch.meshgrid(
        *(torch.linspace(0, 1, size) for size in (experiment.frames, experiment.height, experiment.width)),
        indexing="ij",
    )
    return (2**0.5 * torch.sin(frequency[0] * t + frequency[1] * y + frequency[2] * x + phase))[None]


def _still(experiment: Experiment) -> CameraConditioning:
    """A camera that does not move."""
    poses = torch.eye(4, device=experiment.device).repeat(1, experiment.frames, 1, 1).flatten(2)
    lens = torch.tensor([30.0, 30.0, experiment.width / 2, experiment.height / 2], device=experiment.device)
    raymap = torch.zeros(
        1, experiment.config.plucker_channels, experiment.frames, experiment.height, experiment.width
    ).to(experiment.device, experiment.dtype)
    return CameraConditioning(torch.cat((poses, lens.expand(1, experiment.frames, 4)), -1), raymap)


def draw(record: dict, destination: Path) -> None:
    """Loss and gradient norm of the three runs; a cross marks the step that was not finite."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), dpi=110, layout="constrained")
    losses, norms = figure.subplots(1, 2)
    for axes, key, label in ((losses, "loss", "loss"), (norms, "gradient", "gradient norm")):
        for (name, rows), color in zip(record["runs"].items(), ("#b3413b", "#c98f2b", "#4a6fa5"), strict=True):
            steps = [step for step, row in enumerate(rows, 1) if row[key] is not None]
            values = [rows[step - 1][key] for step in steps]
            axes.plot(steps, values, color=color, label=name, marker="." if len(rows) < 5 else None)
            if len(rows) < record["steps"]:
                top = axes.get_xaxis_transform()
                axes.plot(len(rows), 0.97, "x", color=color, markersize=9, transform=top, clip_on=False)
        axes.set(xlabel="step", ylabel=label, yscale="log")
        axes.spines[["top", "right"]].set_visible(False)
    norms.legend(frameon=False)
    figure.savefig(destination, metadata={"Software": None})


def main(arguments: list[str] | None = None) -> int:
    """Train, print, write; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="directory for stability.json")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--tiny", action="store_true", help="two tiny blocks on the CPU: a test of this program")
    options = parser.parse_args(arguments)
    if not options.tiny and not torch.cuda.is_available():
        sys.stderr.write("error: this needs a GPU; --tiny tests it without one\n")
        return 2
    experiment = toy(options.steps) if options.tiny else small(torch.device("cuda"), options.steps)
    device = "cpu" if options.tiny else torch.cuda.get_device_name()
    record: dict = {"device": device, "torch": torch.__version__, "steps": options.steps, "runs": {}}
    for name, scale in SCALES.items():
        rows = train(experiment, scale)
        record["runs"][name] = rows
        ended = "finite to the end" if None not in rows[-1].values() else f"not finite at step {len(rows)}"
        sys.stdout.write(f"{name:12} {ended}, loss {rows[0]['loss']} to {rows[-1]['loss']}\n")
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "stability.json").write_text(json.dumps(record, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
