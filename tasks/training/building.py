"""From a training recipe to the settings of the loop."""

from data_contracts.recipe import LayoutKind, Precision
from model.training.draws import DrawSettings
from model.training.from_recipe import noise_levels_of, optimizer_of
from model.training.loop import LoopSettings
from model.training.objective import FlowObjective
from tasks.training.config import TrainingConfig


def chunk_frames_of(config: TrainingConfig) -> int:
    """Latent frames of a chunk; 0 for one chunk over everything."""
    return config.layout.chunk_frames if config.layout.kind is LayoutKind.FIRST_PLUS_ONE else 0


def loop_settings(config: TrainingConfig) -> LoopSettings:
    """Everything the loop needs besides model and data."""
    levels = noise_levels_of(config.timesteps)
    return LoopSettings(
        seed=config.seed,
        optimizer=optimizer_of(config.optimizer, config.steps),
        draws=DrawSettings(config.flow.clean_first_frame, config.flow.text_dropout, levels),
        objective=FlowObjective(
            shift=config.flow.shift,
            chunk_frames=chunk_frames_of(config) or None,
            bfloat16=config.compute.precision is Precision.BFLOAT16,
        ),
    )
