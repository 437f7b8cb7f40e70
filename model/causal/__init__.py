"""Chunks of latent frames, what one call sees of them, and what a rollout carries from chunk to chunk."""

from model.causal.layout import ChunkLayout
from model.causal.state import CacheWindow, RolloutState

__all__ = ["CacheWindow", "ChunkLayout", "RolloutState"]
