"""Checkpoints: released layouts, strict loading and saving, and weights carried from stage to stage."""

from model.checkpoints.stage_transfer import carry_weights
from model.checkpoints.store import checkpoint_info, load_checkpoint, load_released, save_checkpoint

__all__ = ["carry_weights", "checkpoint_info", "load_checkpoint", "load_released", "save_checkpoint"]
