"""``wm corpus synth``: render the embedded corpus."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table


def synth(
    out: Annotated[Path, typer.Option(help="Directory to write; must not exist or be empty.")],
    clips: Annotated[int, typer.Option(help="Video clips, planted bad ones included; at least 24.")] = 48,
    seed: Annotated[int, typer.Option(help="Same number of clips and seed, same bytes.")] = 0,
) -> None:
    """Render textured 3-D scenes with exact cameras and depth as five sources, with planted bad clips."""
    from infra.progress import open_progress
    from infra.settings import load_settings
    from tasks.corpus_synth.synthesize import synthesize

    progress = open_progress()
    try:
        truth = synthesize(out, clips, seed, load_settings().workers, progress)
    finally:
        progress.finish()
    table = Table("kind", "source", "expected", "rule", "may also fire", title=f"{len(truth.clips)} clips in {out}")
    counts: dict[tuple[str, str, str, str, str], int] = {}
    for clip in truth.clips:
        row = (clip.kind, clip.source, clip.expected_status.value, clip.expected_rule, " ".join(clip.may_also))
        counts[row] = counts.get(row, 0) + 1
    for row, count in counts.items():
        table.add_row(row[0] if count == 1 else f"{row[0]} x{count}", *row[1:])
    Console().print(table)
