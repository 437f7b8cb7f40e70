"""The KServe model: three methods, ready only after the bundle was verified and loaded."""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from kserve import InferRequest, InferResponse, Model
from kserve.errors import InvalidInput

from model.generation.request import GenerationRequest
from serving.engine import DirectWork, GenerationEngine
from serving.oip import INPUTS, OUTPUTS, read_request, write_response


@dataclass(frozen=True)
class Prepared:
    """A checked request beside the payload it came in."""

    payload: InferRequest
    request: GenerationRequest


class WorldModelPredictor(Model):
    """One world model behind the v2 protocol.

    Args:
        name: the served name.
        open_engine: gives a started engine over a verified, loaded bundle; called once, by ``load``.
    """

    def __init__(self, name: str, open_engine: Callable[[], GenerationEngine]) -> None:
        super().__init__(name)
        self._open_engine = open_engine
        self._engine: GenerationEngine | None = None

    @property
    def generation(self) -> GenerationEngine:
        """The running engine.

        Raises:
            RuntimeError: ``load`` has not been called.
        """
        if self._engine is None:
            raise RuntimeError("the predictor is not loaded")
        return self._engine

    def load(self) -> bool:
        """Load once; ``ready`` turns true last."""
        if self._engine is None:
            self._engine = self._open_engine()
        self.ready = True
        return self.ready

    # KServe hands preprocess's result to predict untouched; its annotations know only its own types.
    async def preprocess(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        payload: object,
        headers: dict[str, str] | None = None,  # noqa: ARG002
    ) -> Prepared:
        """Tensors to a checked request.

        Raises:
            InvalidInput: not a v2 request, or a tensor is wrong (HTTP 400).
        """
        if not isinstance(payload, InferRequest):
            raise InvalidInput("this model speaks the v2 protocol: POST /v2/models/<name>/infer")
        card = self.generation.generator.card
        request = await asyncio.to_thread(read_request, payload, (card.height, card.width))
        return Prepared(payload, request)

    async def predict(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        payload: Prepared,
        headers: dict[str, str] | None = None,  # noqa: ARG002
    ) -> InferResponse:
        """Wait in the engine's line, then answer with the video."""
        path = self.generation.scratch / f"{uuid.uuid4().hex}.mp4"
        work = self.generation.submit_direct(payload.request, path)
        try:
            video = await _finished(work)
        finally:
            path.unlink(missing_ok=True)
        return write_response(payload.payload, self.name, video)

    def stop(self) -> None:
        """Let the engine finish its step; running jobs stay stored."""
        if self._engine is not None:
            self._engine.stop()
        super().stop()

    async def healthy(self) -> bool:
        """Loaded, and the generation thread runs."""
        return self.ready and self.generation.alive

    def get_input_types(self) -> list[dict]:
        """The request's tensors."""
        return INPUTS

    def get_output_types(self) -> list[dict]:
        """The answer's tensors."""
        return OUTPUTS


async def _finished(work: DirectWork) -> bytes:
    try:
        await asyncio.wrap_future(work.done)
    except asyncio.CancelledError:  # the client went away: the engine stops before its next step
        work.abandoned.set()
        raise
    return await asyncio.to_thread(work.path.read_bytes)
