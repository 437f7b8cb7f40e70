"""Stages whose every failure can be asked for: a pause to be killed in, a full disk, a bug."""

import json
import time
from pathlib import Path

from data_contracts.errors import ErrorCode, InputError
from data_contracts.report import StageSummary
from fake_stages.config import FakeConfig
from infra.stage import ClipJob, StageContext, copy_files, map_clips

Context = StageContext[FakeConfig]


def run_collect(context: Context) -> StageSummary:
    files = sorted(context.inputs["corpus"].rglob("*.txt"))
    if not files:
        raise InputError(ErrorCode.CORPUS_EMPTY, "corpus holds no .txt file", "add one")
    jobs = [ClipJob(path.stem, {"text": path.read_text()}, str(path)) for path in files]
    results = map_clips(context, jobs, read_number)
    copy_files(results, context.outputs["collect"] / "numbers")
    _misbehave(context, context.outputs["collect"])
    return StageSummary(items=len(files), metrics={"files": len(files)})


def read_number(path: str, directory: Path) -> int:
    number = int(Path(path).read_text())
    (directory / Path(path).name).write_text(str(number))
    return number


def run_sieve(context: Context) -> StageSummary:
    numbers = _numbers(context.inputs["collect"])
    accepted = {name: value for name, value in numbers.items() if value <= context.config.limit}
    _misbehave(context, context.outputs["sieve_accepted"])
    _write(context, "sieve_scores", numbers)
    _write(context, "sieve_verdicts", {name: [name in accepted, context.config.limit] for name in numbers})
    _write(context, "sieve_accepted", accepted)
    return StageSummary(items=len(numbers), metrics={"accepted": len(accepted)})


def run_total(context: Context) -> StageSummary:
    accepted = json.loads((context.inputs["sieve_accepted"] / "data.json").read_text())
    listed = _numbers(context.inputs["collect"])
    _misbehave(context, context.outputs["total"])
    _write(context, "total", {"sum": context.config.factor * sum(listed[name] for name in accepted)})
    return StageSummary(items=len(accepted))


def _numbers(directory: Path) -> dict[str, int]:
    return {path.stem: int(path.read_text()) for path in sorted((directory / "numbers").glob("*.txt"))}


def _write(context: Context, output: str, value: object) -> None:
    (context.outputs[output] / "data.json").write_text(json.dumps(value, sort_keys=True))


def _misbehave(context: Context, output: Path) -> None:
    (output / "half.bin").write_bytes(b"\0" * 1000)
    time.sleep(context.config.pause)
    if context.config.fail == "disk":
        with Path("/dev/full").open("wb") as stream:
            stream.write(b"\0" * 100_000)
    if context.config.fail == "bug":
        raise ZeroDivisionError("a bug")
    if context.config.fail == "interrupt":
        raise KeyboardInterrupt
    (output / "half.bin").unlink()
