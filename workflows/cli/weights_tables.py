"""What ``wm weights`` shows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from data_contracts.checkpoint import WeightsReport
from data_contracts.weights import ConversionReport, ProbeReport, VerifyReport


def show_weights(report: WeightsReport) -> None:
    """What a weights file is, then every tensor."""
    console = Console()
    keys = report.key_map
    facts = {
        "layout": report.layout,
        "numerics profile": report.numerics or "not stated",
        "size": f"{report.bytes:,} bytes, {report.parameters:,} values",
        "types": ", ".join(f"{dtype} x{count}" for dtype, count in report.dtypes.items()),
        "keys used": str(keys.used),
        "keys known to be unused": few(list(keys.known_unused)),
        "keys unknown": few(keys.unknown),
        "keys missing": few(keys.missing),
    }
    if report.architecture is not None:
        sizes = report.architecture
        facts["architecture"] = (
            f"{sizes.depth} blocks of width {sizes.hidden}, {sizes.heads} heads, {sizes.mixer}, "
            f"softmax at {sizes.softmax_blocks}, camera {'yes' if sizes.camera_branch else 'no'}"
        )
    console.print(_facts(report.path, facts))
    tensors = Table("tensor", "type", "shape", "not read because")
    for name, tensor in report.tensors.items():
        tensors.add_row(name, tensor.dtype, " ".join(map(str, tensor.shape)), keys.known_unused.get(name, ""))
    console.print(tensors)


def show_verdict(report: VerifyReport) -> None:
    """Each problem with its key, or that there is none."""
    console = Console()
    counted = f"{report.layout}: {report.tensors} tensors read, {report.used} used, {report.known_unused} known unused"
    console.print(counted, markup=False)
    if report.sound:
        console.print("no problem found")
        return
    problems = Table("key", "problem", "detail")
    for problem in report.problems:
        problems.add_row(problem.key or "-", problem.kind, problem.detail)
    console.print(problems)


def show_conversion(report: ConversionReport, target: Path) -> None:
    """What was written, and what could not be kept."""
    facts = {
        "from": f"{report.source_layout.value}: {report.source}",
        "to": f"{report.layout.value}: {', '.join(str(target / name) for name in report.written)}",
        "parameters": f"{report.parameters:,}",
        "numerics profile": report.numerics,
        "unused keys carried": few(report.carried_unused),
        "unused keys filled": few(report.placeholders),
        "unused keys dropped": few(report.dropped),
    }
    console = Console()
    console.print(_facts("converted", facts))
    for note in report.notes:
        console.print(f"note: {note}", markup=False)


def show_probe(report: ProbeReport) -> None:
    """The loss under each profile, and the recommendation."""
    console = Console()
    table = Table("profile", "loss", "above the best", "standard error", title=f"{report.mode}, {report.clips} clips")
    for one in report.losses:
        table.add_row(one.profile, f"{one.loss:.6f}", f"{one.against_best:.6f}", f"{one.standard_error:.6f}")
    for profile, why in report.not_applicable.items():
        table.add_row(profile, "-", why, "")
    console.print(table)
    console.print(f"recommended: {report.recommended} ({report.reason})", markup=False)


@contextmanager
def reading(quiet: bool) -> Iterator[Callable[[str], None]]:
    """A line with the tensor that is read; nothing when ``quiet``."""
    columns = (TextColumn("reading"), BarColumn(pulse_style="cyan"), TextColumn("{task.completed} {task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task("", total=None)
        yield lambda name: progress.update(task, advance=1, description=name)


def few(names: list[str]) -> str:
    """How many, and the first three."""
    if not names:
        return "0"
    return f"{len(names)}: {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}"


def _facts(title: str, facts: dict[str, str]) -> Table:
    table = Table(title=title, show_header=False)
    for name, value in facts.items():
        table.add_row(name, value)
    return table
