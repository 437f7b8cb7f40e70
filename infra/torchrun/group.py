"""A torchrun group that stays warm from stage to stage: started once, it takes one job after another.

``wm run`` keeps one group per world size in the run's warm resources; a stage started alone makes its own. Both run the
same worker code in the same world, so ids are equal.
"""

import contextlib
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter

from data_contracts.errors import ErrorCode, InputError, OperationError, SanaWMError
from data_contracts.report import StageSummary
from infra.stage import ProgressSink, StageContext
from infra.torchrun.elastic import run_launched_rank
from infra.torchrun.line_socket import LineSocket
from infra.torchrun.messages import Advanced, Failed, Finished, Message, RankJob, Said, Started

Config = TypeVar("Config", bound=BaseModel)

LARGEST_LOCAL_WORLD = 8  # the GPUs of one machine
_START_SECONDS = 180
_STOP_SECONDS = 10
_MESSAGE: TypeAdapter[Message] = TypeAdapter(Message)


class WorkerGroup:
    """``world_size`` ranks on this machine, under torchrun with gloo.

    Raises:
        OperationError: the ranks did not come up.
    """

    def __init__(self, world_size: int) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="torchrun-group-"))
        self._log = self._home / "workers.log"
        self._ranks: list[LineSocket] = []
        self._pids: list[int] = []
        address = str(self._home / "socket")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(address)
            listener.listen(world_size)
            self._process = self._launch(world_size, address)
            try:
                self._ranks = self._accept(listener, world_size)
            except BaseException:
                self.close()
                raise

    def run(self, job: RankJob, progress: ProgressSink) -> StageSummary:
        """Do one job on all ranks and return rank 0's summary.

        Raises:
            InputError: a rank found the input wrong.
            OperationError: a rank failed or died.
        """
        summaries: dict[int, StageSummary] = {}
        try:
            for rank in self._ranks:
                rank.write_line(job.model_dump_json())
            while len(summaries) < len(self._ranks):
                for rank, message in self._arrived():
                    if isinstance(message, Finished):
                        summaries[rank] = message.summary
                    else:
                        _report(message, progress)
        except (EOFError, OSError) as error:
            raise self._died("a rank ended in the middle of a job") from error
        return summaries[0]

    def _arrived(self) -> list[tuple[int, Message]]:
        """Wait for and return the next messages, with the rank each is from."""
        with selectors.DefaultSelector() as selector:
            for rank, connection in enumerate(self._ranks):
                selector.register(connection, selectors.EVENT_READ, rank)
            ready = [(key.data, self._ranks[key.data].read_lines()) for key, _ in selector.select()]
        return [(rank, _MESSAGE.validate_json(line)) for rank, lines in ready for line in lines]

    def close(self) -> None:
        """Let idle ranks leave; end those that do not within a few seconds."""
        for rank in self._ranks:
            rank.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._end()
        shutil.rmtree(self._home, ignore_errors=True)

    def _launch(self, world_size: int, address: str) -> subprocess.Popen[bytes]:
        """Start torchrun in a session of its own: Ctrl-C reaches this process alone, which then closes the group."""
        root = Path(__file__).resolve().parents[2]
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(world_size)]
        command += ["-m", "infra.torchrun.worker", address]
        with self._log.open("wb") as log:
            return subprocess.Popen(
                command, cwd=root, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _accept(self, listener: socket.socket, world_size: int) -> list[LineSocket]:
        """Connections in rank order; each rank begins by sending its number and process id."""
        listener.settimeout(0.5)
        ranks: dict[int, LineSocket] = {}
        deadline = time.monotonic() + _START_SECONDS
        while len(ranks) < world_size:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise self._died("the ranks did not start")
            with contextlib.suppress(TimeoutError):
                connection = LineSocket(listener.accept()[0])
                rank, pid = connection.read_lines()[0].split()
                ranks[int(rank)] = connection
                self._pids.append(int(pid))
        return [ranks[rank] for rank in range(world_size)]

    def _died(self, what: str) -> OperationError:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        tail = "\n".join(lines[-15:])
        return OperationError(
            ErrorCode.WORKER_FAILED, f"{what}; the end of their log:\n{tail}", "free memory and run the stage again"
        )

    def _end(self) -> None:
        """Ask torchrun to end; then end it and its ranks, which live in sessions of their own."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_SECONDS)
        for pid in (self._process.pid, *self._pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()


def _report(message: Message, progress: ProgressSink) -> None:
    """Pass progress on, and raise what failed."""
    match message:
        case Started():
            progress.start(message.label, message.total)
        case Advanced():
            progress.advance(message.units)
        case Said():
            progress.say(message.message)
        case Failed():
            raise _error(message)
        case Finished():
            raise ValueError("a finished rank has nothing to report")


def _error(failed: Failed) -> SanaWMError:
    kind = InputError if failed.user_error else OperationError
    return kind(ErrorCode(failed.code), failed.message, failed.fix)


def run_on_ranks(context: StageContext[Config], world_size: int, function: str) -> StageSummary:
    """Do a stage's work as ``function`` (``module:name``) on ``world_size`` ranks.

    Up to a machine's worth of ranks run in the run's warm group. A group of which a rank failed is dropped, because its
    peers may hang in a collective; the next stage gets a fresh one. Larger worlds are launched by the cluster, and this
    process is one of their ranks.

    Raises:
        InputError: a rank found the input wrong.
        OperationError: a rank failed or died, or the world is too large for this machine.
    """
    job = RankJob(
        function=function,
        stage=context.name,
        inputs={name: str(path) for name, path in context.inputs.items()},
        output=str(context.outputs[context.name]),
        config=context.config.model_dump(mode="json"),
    )
    if world_size > LARGEST_LOCAL_WORLD:
        return run_launched_rank(job, world_size, context.progress)
    name = f"torchrun-{world_size}"
    group = context.warm.keep(name, lambda: WorkerGroup(world_size))
    try:
        return group.run(job, context.progress)
    except BaseException:
        context.warm.drop(name)
        raise
