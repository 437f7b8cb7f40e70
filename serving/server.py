"""``wm serve``: the KServe model server with the video API and the web page on the same port."""

import asyncio
import socket
from dataclasses import dataclass
from pathlib import Path

import torch
from kserve import ModelServer
from kserve.model_server import app as kserve_app

from data_contracts.errors import ErrorCode, OperationError
from infra.workdir import Workdir
from model.generation.pipeline import GENERATION_THREADS, WorldPipeline
from serving.engine import GenerationEngine
from serving.jobs import JobStore
from serving.predictor import WorldModelPredictor
from serving.readiness import verified_bundle
from serving.server_app import attach


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
    predictor = WorldModelPredictor(options.name, lambda: open_engine(options))
    predictor.load()
    attach(kserve_app, predictor.generation)
    server = _Server(options.host, http_port=options.port, workers=1, enable_grpc=False, grace_period=5)
    server.start([predictor])


def open_engine(options: ServeOptions) -> GenerationEngine:
    """A started engine over the verified bundle; jobs live in the workdir."""
    bundle = verified_bundle(Workdir(options.workdir), options.bundle)
    torch.set_num_threads(GENERATION_THREADS)
    pipeline = WorldPipeline.load(bundle.directory, options.name)
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


class _Server(ModelServer):
    """KServe's server always listens on every interface; ours listens where it was told."""

    def __init__(self, host: str, *, http_port: int, workers: int, enable_grpc: bool, grace_period: int) -> None:
        super().__init__(http_port=http_port, workers=workers, enable_grpc=enable_grpc, grace_period=grace_period)
        self._host = host

    def setup_event_loop(self) -> None:
        asyncio.set_event_loop(asyncio.new_event_loop())
        super().setup_event_loop()

    async def _serve(self) -> None:
        if self._rest_server is None:
            raise RuntimeError("KServe made no REST server")
        self._rest_server.config.host = self._host
        await super()._serve()
