"""``docs/benchmarks/kernels.md`` from the benchmark's JSON: ``python -m kernels.bench_page JSON PAGE``."""

import argparse
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

HEAD = """# Kernels, forward

Generated from `{source}` by `python -m kernels.bench_page`; do not edit. Measured by `python -m kernels.bench`.

Device: {device}; torch {torch}, Triton {triton}. Copy of 2 GiB: {copy_tb_per_s:.2f} TB/s; a floor is query, key, value
and output moved once at that rate. Shape: {shape}. Medians of {rounds} alternating rounds on fresh random inputs; the
error is relative to the float32 reference on the same inputs and was taken of the timed calls. The goals were set for
one H200; this table is of the device named above and claims nothing of another.

| operation | frames | call | ms | over the floor | over the fastest peer | error | memory over inputs, GB |
|---|---|---|---|---|---|---|---|
"""


def page(record: dict[str, Any], source: str) -> str:
    """The whole page. ``record`` is what ``kernels.bench`` wrote (JSON, hence ``Any``)."""
    shape = ", ".join(f"{name} {size}" for name, size in record["shape"].items() if name != "frames")
    rows = [row for row in record["rows"] if row["section"] != "ceilings"]
    head = HEAD.format(**{**record, "shape": shape, "source": source, "rounds": len(rows[0]["rounds"])})
    return head + "".join(_line(row, rows) for row in rows) + "\n" + _roofline(rows)


def _line(row: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    same = [one for one in rows if (one["section"], one["frames"]) == (row["section"], row["frames"])]
    peers = [one["ms"] for one in same if one["name"].startswith("peer")]
    ratio = f"{min(peers) / row['ms']:.2f}x" if peers else "not run"
    cells = (row["section"], row["frames"], row["name"], f"{row['ms']:.3f}", f"{row['over_floor']:.2f}x", ratio)
    return "| " + " | ".join(map(str, (*cells, f"{row['error']:.1e}", f"{row['peak_gb']:.2f}"))) + " |\n"


def _roofline(rows: list[dict[str, Any]]) -> str:
    """Bars of time over the byte floor, two marks a doubling."""
    lines = [
        f"{row['section']:7} T={row['frames']:<4} {row['name']:20} |{'#' * round(2 * math.log2(row['over_floor']))}"
        for row in rows
    ]
    return "Time over the byte floor, two marks a doubling:\n\n```\n" + "\n".join(lines) + "\n```\n"


def write_page(make: Callable[[dict[str, Any], str], str], told: str | None, arguments: list[str] | None) -> None:
    """The command line of a page made of one JSON file: ``JSON PAGE``. ``make`` gets its content and its name."""
    parser = argparse.ArgumentParser(description=told)
    parser.add_argument("json", type=Path)
    parser.add_argument("page", type=Path)
    options = parser.parse_args(arguments)
    options.page.write_text(make(json.loads(options.json.read_text()), options.json.name))


def main(arguments: list[str] | None = None) -> None:
    """Write the page."""
    write_page(page, __doc__, arguments)


if __name__ == "__main__":
    main()
