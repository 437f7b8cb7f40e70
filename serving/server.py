"""``wm serve``: the KServe model server with the video API and the web page on the same port."""

import socket
from dataclasses import dataclass
from pathlib import Path

import torch

from data_contracts.errors import ErrorCode, OperationError
from infra.workdir import Workdir
from model.generation.pipeline import GENERATION_THREADS, WorldPipeline
from serving.engine import GenerationEngine
from serving.jobs import JobStore
from serving.readiness import verified_bundle


@dataclass(frozen=True)
class ServeOptions:
    """What ``wm serve`` was told."""

    workdir: Path
    bundle: Path | None
    host: str
    port: int
    queue_limit: int
    name: str = "sana-wm"


def serve(options: ServeOptions) -> None:
    """Verify, load, then listen until a signal comes.

    Raises:
        InputError: there is nothing to serve, or the signature does not hold.
        OperationError: the port is taken.
    """
    check_port(options.host, options.port)
    engine = open_engine(options)
    # KServe takes seconds to import: whoever has nothing to serve learns it first.
    from serving.kserve_server import run_kserve

    run_kserve(engine, options.host, options.port, options.name)


def open_engine(options: ServeOptions) -> GenerationEngine:
    """A started engine over the verified bundle; jobs live in the workdir."""
    bundle = verified_bundle(Workdir(options.workdir), options.bundle)
    torch.set_num_threads(GENERATION_THREADS)
    pipeline = WorldPipeline.load(bundle.directory, options.name, with_refiner=False)
    engine = GenerationEngine(pipeline, JobStore(options.workdir / "serving"), options.queue_limit)
    engine.start()
    return engine


def check_port(host: str, port: int) -> None:
    """Refuse a taken port before minutes are spent on loading.

    Raises:
        OperationError: the port cannot be bound.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise OperationError(
                ErrorCode.PORT_BUSY, f"cannot listen on {host}:{port}: {error.strerror}", "pass another --port"
            ) from None
