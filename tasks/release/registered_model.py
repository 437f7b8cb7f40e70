"""The model as MLflow loads it: this file is logged as code, the bundle beside it as safetensors."""

from pathlib import Path

from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from pydantic import BaseModel

from data_contracts.wire import GenerationMode


class Walk(BaseModel):
    """One video to make: words, an action, a seed."""

    prompt: str
    action: str
    seed: int = 42


class RegisteredWorldModel(PythonModel):
    """``predict`` turns walks into MP4 files."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the bundle once."""
        import torch

        from model.generation.pipeline import GENERATION_THREADS, WorldPipeline

        torch.set_num_threads(GENERATION_THREADS)
        self.pipeline = WorldPipeline.load(Path(context.artifacts["bundle"]), with_refiner=False)

    # MLflow reads the request's schema from the annotation, so the signature is narrower than the base class's.
    def predict(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        context: PythonModelContext,  # noqa: ARG002
        model_input: list[Walk],
    ) -> list[bytes]:
        """One MP4 per walk."""
        return [self._video(walk) for walk in model_input]

    def _video(self, walk: Walk) -> bytes:
        import tempfile

        import numpy as np

        from model.generation.action_path import action_camera_path
        from model.generation.first_frame import default_intrinsics
        from model.generation.request import GenerationRequest
        from tasks.vision.video import write_video

        info = self.pipeline.info
        path = action_camera_path(walk.action)
        lenses = np.tile(default_intrinsics(info.height, info.width, origin=info.pixel_origin), (len(path), 1))
        request = GenerationRequest(None, walk.prompt, path, lenses, walk.seed, GenerationMode.STREAMING)
        with tempfile.TemporaryDirectory(prefix="walk-") as scratch:
            file = Path(scratch) / "walk.mp4"
            write_video(file, self.pipeline.generate(request), info.fps)
            return file.read_bytes()


set_model(RegisteredWorldModel())
