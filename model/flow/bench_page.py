"""``docs/benchmarks/streaming.md`` and its picture from the benchmark's JSON: ``python -m model.flow.bench_page``."""

import argparse
import json
from pathlib import Path
from typing import Any

HEAD = """# Streaming, stage 1

Generated from `{source}` by `python -m model.flow.bench_page`; do not edit. Measured by
`{command}` at commit {commit}.

Device: {device}; torch {torch}. The released network (20 blocks, 2.66 B parameters) in
bfloat16 with random weights, a latent grid of {grid}, sink and window of 2 chunks, batch 1. The floor is
{floor_ms:.1f} ms: the arithmetic of a pass (linear maps and attention) at the rate of a large matrix product in the
same run.

| one pass of a chunk of 3 frames | ms, median | over the floor | difference to the reference |
|---|---|---|---|
"""


def page(record: dict[str, Any], source: str, picture: str) -> str:
    """The whole page. ``record`` is what ``model.flow.bench`` wrote (JSON, hence ``Any``)."""
    height, width = record["grid"]
    floor = record["floor_ms"]
    text = HEAD.format(**{**record, "grid": f"{height} x {width}", "source": source})
    for row in record["chunk"]:
        text += f"| {row['call']} | {row['ms']:.1f} | {row['ms'] / floor:.1f}x | {row['error']:.1e} |\n"
    text += "\n| rollout, raw frames | seconds | times real time | first chunk, s | chunk, s | peak memory, GiB |\n"
    text += "|---|---|---|---|---|---|\n"
    for index, row in enumerate(record["rollouts"]):
        capture = " (captures its graphs)" if index == 0 else ""
        cells = (row["seconds"], row["x_realtime"], row["first_chunk_seconds"], row["chunk_seconds"][-1])
        text += f"| {row['raw_frames']}{capture} | " + " | ".join(f"{cell:.2f}" for cell in cells)
        text += f" | {row['peak_gib']:.1f} |\n"
    return text + f"\n![seconds and memory of every chunk]({picture})\n"


def draw(record: dict[str, Any], destination: Path) -> None:
    """Seconds of every chunk, and the memory held after it, of the longest rollout."""
    from matplotlib.figure import Figure

    row = record["rollouts"][-1]
    figure = Figure(figsize=(9, 3), dpi=110, layout="constrained")
    for axes, key, label in zip(
        figure.subplots(1, 2), ("chunk_seconds", "held_gib"), ("seconds a chunk", "GiB held"), strict=True
    ):
        axes.plot(row[key], marker=".", color="#4a6fa5")
        axes.set(xlabel="chunk", ylabel=label, ylim=(0, 1.2 * max(row[key]) or 1))
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(destination, metadata={"Software": None})


def main(arguments: list[str] | None = None) -> None:
    """Write page and picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("json", type=Path)
    parser.add_argument("page", type=Path)
    parser.add_argument("picture", type=Path)
    options = parser.parse_args(arguments)
    record = json.loads(options.json.read_text())
    draw(record, options.picture)
    link = Path("..") / options.picture.parent.name / options.picture.name
    options.page.write_text(page(record, options.json.name, str(link)))


if __name__ == "__main__":
    main()
