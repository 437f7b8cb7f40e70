"""KServe's model server around a loaded engine, listening where it is told, with our routes on its application."""

import asyncio

from kserve import ModelServer
from kserve.model_server import app as kserve_app

from serving.engine import GenerationEngine
from serving.predictor import WorldModelPredictor
from serving.server_app import attach


def run_kserve(engine: GenerationEngine, host: str, port: int, name: str) -> None:
    """Serve until a signal comes."""
    predictor = WorldModelPredictor(name, lambda: engine)
    predictor.load()
    attach(kserve_app, engine)
    server = _Server(host, http_port=port, workers=1, enable_grpc=False, grace_period=5)
    server.start([predictor])


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
