"""One rank of a warm group: ``python -m infra.torchrun.worker SOCKET`` under torchrun.

It joins the gloo world once, then does every job that comes down its socket and leaves when the socket is closed. All
ranks get every job; numerics are single-threaded, so results do not depend on the machine's core count.
"""

import importlib
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import torch
import torch.distributed as dist

from data_contracts.errors import ErrorCode, InputError, SanaWMError
from data_contracts.report import StageSummary
from infra.stage import ProgressSink
from infra.torchrun.messages import Advanced, Failed, Finished, Message, RankJob, Said, Started

RankFunction = Callable[[RankJob, ProgressSink], StageSummary]


class SocketProgress:
    """Progress of rank 0, sent to the process that owns the group; other ranks are silent."""

    def __init__(self, stream: TextIO, speaks: bool) -> None:
        self._stream = stream
        self._speaks = speaks

    def start(self, label: str, total: int) -> None:
        """Begin a row of ``total`` units."""
        self._send(Started(label=label, total=total))

    def advance(self, units: int = 1) -> None:
        """Some units are done."""
        self._send(Advanced(units=units))

    def say(self, message: str) -> None:
        """One plain line."""
        self._send(Said(message=message))

    def _send(self, message: Message) -> None:
        if self._speaks:
            send(self._stream, message)


def send(stream: TextIO, message: Message) -> None:
    """Write one message."""
    stream.write(message.model_dump_json() + "\n")
    stream.flush()


def serve(stream: TextIO) -> None:
    """Do jobs until the stream ends. A failed job ends the process: its peers may be left inside a collective."""
    for line in stream:
        try:
            job = RankJob.model_validate_json(line)
            progress = SocketProgress(stream, speaks=dist.get_rank() == 0)
            send(stream, Finished(summary=function_of(job)(job, progress)))
        except Exception as error:
            traceback.print_exc()
            send(stream, _failure(error))
            raise


def function_of(job: RankJob) -> RankFunction:
    """The function a job names.

    Raises:
        ImportError: its module does not exist.
        AttributeError: its module has no such function.
    """
    module, _, name = job.function.partition(":")
    return getattr(importlib.import_module(module), name)


def _failure(error: Exception) -> Failed:
    if isinstance(error, SanaWMError):
        user_error = isinstance(error, InputError)
        return Failed(code=error.code.value, message=error.message, fix=error.fix, user_error=user_error)
    text = f"{type(error).__name__}: {error}"
    fix = "this is a fault of the program: please report it with the worker's log"
    return Failed(code=ErrorCode.WORKER_FAILED.value, message=text, fix=fix, user_error=False)


def main() -> None:
    """Join the world, connect, serve."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C belongs to the owner, which closes the socket
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(Path(sys.argv[1])))
        with connection.makefile("rw", encoding="utf-8") as stream:
            stream.write(f"{dist.get_rank()} {os.getpid()}\n")
            stream.flush()
            serve(stream)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
