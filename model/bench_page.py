"""``docs/benchmarks/blocks.md`` from the benchmark's JSON: ``python -m model.bench_page JSON PAGE``."""

import statistics
from typing import Any

from kernels.bench_page import write_page

HEAD = """# Blocks and the whole pass

Generated from `{source}` by `python -m model.bench_page`; do not edit. Measured by `{command}` at commit {commit}.

Device: {device}; torch {torch}. The released size, 121 latent frames of 22 x 40
(training: 61, one of two ranks'), batch 1, random weights, bfloat16 where not FP8. The floor is the arithmetic of the
matrix products, and of softmax attention where there is any, at {rate:.0f} TFLOP/s, the median rate of the block's own
products in this run. An error is the distance of a block's update from that of the plain bfloat16 block, and from that
of the block in float32, relative to the update; of 20 blocks, that of the velocity. Peers are the frozen PyTorch ones,
in the same process on the same card, in turns.

| what | call | ms | over the floor | from plain | from float32 | peak over inputs, GiB |
|---|---|---|---|---|---|---|
"""
NAMES = {
    "gdn": "GDN block",
    "softmax": "softmax block",
    "full": "20 blocks",
    "training": "GDN block, forward and backward, checkpointed",
}


def page(record: dict[str, Any], source: str) -> str:
    """The whole page. ``record`` is what ``model.bench`` wrote (JSON, hence ``Any``)."""
    rate = statistics.median(record["product_flops"]) / 1e12
    text = HEAD.format(**{**record, "source": source, "rate": rate})
    for row in record["rows"]:
        floor = f"{row['over_floor']:.2f}x" if row["over_floor"] else "-"
        errors = (f"{row[name]:.1e}" if name in row else "-" for name in ("error", "error_from_float32"))
        cells = (NAMES[row["section"]], row["call"], f"{row['ms']:.1f}", floor, *errors, f"{row['peak_gib']:.1f}")
        text += f"| {' | '.join(cells)} |\n"
    if "full_plain_from_float32" in record:
        text += f"\n20 plain bfloat16 blocks lie {record['full_plain_from_float32']:.1e} from float32.\n"
    return text


def main(arguments: list[str] | None = None) -> None:
    """Write the page."""
    write_page(page, __doc__, arguments)


if __name__ == "__main__":
    main()
