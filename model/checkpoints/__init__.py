"""Checkpoints: every layout of the backbone's weights read, written, checked, and carried from stage to stage."""

from model.checkpoints.convert import convert_weights
from model.checkpoints.inspect import inspect_weights
from model.checkpoints.locate import WeightsFiles, locate
from model.checkpoints.open_checkpoint import OpenCheckpoint, open_checkpoint
from model.checkpoints.stage_transfer import carry_weights
from model.checkpoints.store import checkpoint_info, load_checkpoint, load_released, save_checkpoint
from model.checkpoints.verify import verify_weights

__all__ = [
    "OpenCheckpoint",
    "WeightsFiles",
    "carry_weights",
    "checkpoint_info",
    "convert_weights",
    "inspect_weights",
    "load_checkpoint",
    "load_released",
    "locate",
    "open_checkpoint",
    "save_checkpoint",
    "verify_weights",
]
