"""A random tiny checkpoint as a bundle, for tests of what is around the model."""

from pathlib import Path

import torch

from model.backbone import SanaWM
from model.checkpoints import checkpoint_info, save_checkpoint
from model.codecs.dct import DctCodec
from model.codecs.hashed_text import HashedTextEncoder
from model.codecs.store import save_codec, save_text_encoder
from model.config import tiny, v2
from model.generation.bundle import RunSettings, write_bundle

RUN = RunSettings(64, 96, 16.0, cached_chunks=2, sink=True, steps=2, shift=8.0, guidance=2.0)


def write_checkpoint(directory: Path, seed: int = 0) -> Path:
    """A random tiny model."""
    torch.manual_seed(seed)
    model = SanaWM(tiny(), v2())
    info = checkpoint_info(model).model_copy(update={"chunk_frames": 3, "sigmas": [1.0, 0.8]})
    save_checkpoint(directory, model, info)
    return directory


def write_encoders(directory: Path) -> Path:
    """An unfitted codec and the hashed text encoder."""
    directory.mkdir(parents=True, exist_ok=True)
    save_codec(directory, DctCodec.unfitted())
    save_text_encoder(directory, HashedTextEncoder(32, 64))
    return directory


def write_tiny_bundle(root: Path, run: RunSettings = RUN) -> Path:
    """``root/bundle`` of 64x96 pixels with a two-step student."""
    write_bundle(root / "bundle", write_checkpoint(root / "checkpoint"), write_encoders(root / "encoders"), run)
    return root / "bundle"
