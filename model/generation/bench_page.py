"""``docs/benchmarks/minute.md`` and its picture, from JSON: ``python -m model.generation.bench_page``."""

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

HEAD = """# A minute of video

Generated from `{source}` and `{video_source}` by `python -m model.generation.bench_page`; do not edit. Measured by
`{command}` at commit {commit}; H.264 by `python -m serving.bench_video` on a CPU.

Device: {device}; torch {torch}. Networks of the released sizes with random weights in
bfloat16, a latent grid of {grid} (704 x 1280 pixels, 16 frames a second), stage 1 as CUDA graphs of compiled blocks,
the refiner in blocks of 3 latents with a window of 11, the causal decoder compiled. All are warm: compiling takes about
a minute the first time.

| clip, raw frames | refiner | parts overlapped | seconds | times real time | first chunk, s | peak memory, GiB |
|---|---|---|---|---|---|---|
"""
SECONDS_A_CHUNK = 1.5
FILLED = 5
"""Chunks until all windows are full."""


def budget(record: dict[str, Any], video: dict[str, Any]) -> list[tuple[str, float, float | None]]:
    """Part, seconds per second of video, and its floor (None = not told) in a refined stream with full windows."""
    clip = next(row for row in reversed(record["clips"]) if row["refined"] and not row["overlapped"])
    rows: list[tuple[str, float, float | None]] = []
    for part, times in clip["part_seconds"].items():
        floor = record["chunk_floor_seconds"][part] / SECONDS_A_CHUNK
        rows.append((part, statistics.median(times[min(FILLED, len(times) - 1) :]) / SECONDS_A_CHUNK, floor))
    rows.append(("H.264, on the CPU", 1 / statistics.median(one["x_realtime"] for one in video["rounds"]), None))
    return rows


def page(record: dict[str, Any], video: dict[str, Any], sources: tuple[str, str], picture: str) -> str:
    """The whole page. ``record`` and ``video`` are what the benchmarks wrote (JSON, hence ``Any``)."""
    height, width = record["grid"]
    named = {"source": sources[0], "video_source": sources[1], "grid": f"{height} x {width}"}
    text = HEAD.format(**{**record, **named})
    for row in record["clips"]:
        if not row["first"]:
            cells = (row["seconds"], row["x_realtime"], row["first_chunk_seconds"])
            text += (
                f"| {row['raw_frames']} | {'yes' if row['refined'] else 'no'} | {'yes' if row['overlapped'] else 'no'}"
            )
            text += "".join(f" | {cell:.2f}" for cell in cells) + f" | {row['peak_gib']:.1f} |\n"
    text += (
        "\nThe budget of a refined stream, in seconds per second of video. A floor is the counted arithmetic of the\n"
    )
    text += (
        f"part at the rate of a large matrix product in the same run, {record['product_flops'] / 1e12:.0f} TFLOP/s.\n\n"
    )
    text += "| part | seconds | floor | ratio |\n|---|---|---|---|\n"
    for part, seconds, floor in budget(record, video):
        told = f"{floor:.3f} | {seconds / floor:.2f}" if floor else "- | -"
        text += f"| {part} | {seconds:.3f} | {told} |\n"
    text += "\nOnce a prompt: the text models wait in host memory and come for one pass.\n\n"
    text += "| part | tokens | pass, s | its floor, s | weights, GiB | until they are there, s |\n"
    text += "|---|---|---|---|---|---|\n"
    for row in record["texts"]:
        cells = (row["seconds"], row["floor_seconds"], row["weights_gib"], row["visit_seconds"])
        text += f"| {row['part']} | {row['tokens']} | " + " | ".join(f"{cell:.3f}" for cell in cells) + " |\n"
    text += (
        "\nOne pass over a whole clip of 961 frames at batch 1 (guidance takes two):\n\n| step | seconds |\n|---|---|\n"
    )
    for row in record["steps"]:
        text += f"| {row['step']} | {row['seconds'][-1]:.2f} |\n"
    return text + f"\n![the budget, its floors, and the memory held after every chunk]({picture})\n"


def draw(record: dict[str, Any], video: dict[str, Any], destination: Path) -> None:
    """Bars of the budget over their floors, and the memory held after every chunk of the longest refined clip."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), dpi=110, layout="constrained")
    bars, memory = figure.subplots(1, 2)
    rows = budget(record, video)
    places = range(len(rows))
    bars.barh(places, [seconds for _, seconds, _ in rows], color="#9db4d3", label="measured")
    floors = [(place, floor) for place, (_, _, floor) in zip(places, rows, strict=True) if floor]
    bars.barh(
        [place for place, _ in floors], [floor for _, floor in floors], height=0.35, color="#4a6fa5", label="floor"
    )
    bars.set(yticks=list(places), yticklabels=[part for part, _, _ in rows], xlabel="seconds per second of video")
    bars.invert_yaxis()
    bars.legend(frameon=False)
    longest = max((row for row in record["clips"] if row["refined"]), key=lambda row: row["raw_frames"])
    memory.plot(longest["held_gib"], marker=".", color="#4a6fa5")
    memory.set(xlabel="chunk", ylabel="GiB held", ylim=(0, 1.2 * max(longest["held_gib"]) or 1))
    for axes in (bars, memory):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(destination, metadata={"Software": None})


def main(arguments: list[str] | None = None) -> None:
    """Write page and picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minute", type=Path)
    parser.add_argument("video", type=Path)
    parser.add_argument("page", type=Path)
    parser.add_argument("picture", type=Path)
    options = parser.parse_args(arguments)
    record, video = (json.loads(one.read_text()) for one in (options.minute, options.video))
    draw(record, video, options.picture)
    link = Path("..") / options.picture.parent.name / options.picture.name
    options.page.write_text(page(record, video, (options.minute.name, options.video.name), str(link)))


if __name__ == "__main__":
    main()
