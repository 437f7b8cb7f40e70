"""The stability rollout of a trained student, over a held-out clip's path walked forth and back."""

from pathlib import Path

from data_contracts.distillation import RolloutRecipe, StudentRecipe
from data_contracts.training import RolloutReport
from model.backbone import SanaWM
from model.camera.conditioning import prepare_camera
from model.codecs.protocols import raw_frames
from model.codecs.store import load_codec
from model.data.latent_dataset import LatentDataset
from model.distill.stability import measure_stability, there_and_back
from model.flow.guidance import Conditions
from model.training.generators import named_generator
from model.types import TextConditioning
from tasks.distillation.shared import layout_of, rollout_settings


def long_rollout(
    student: SanaWM,
    latents: Path,
    clip: tuple[LatentDataset, int],
    recipe: StudentRecipe,
    rollout: RolloutRecipe,
) -> RolloutReport:
    """Roll out ``length_factor`` times as long as training and report contrast chunk by chunk."""
    dataset, index = clip
    batch = dataset.collate([index])
    trained = recipe.latent_frames or batch.latents.shape[2]
    frames = rollout.length_factor * trained
    poses, lenses = there_and_back(batch.camera_to_world[0], batch.intrinsics[0], raw_frames(frames))
    camera = prepare_camera(poses.numpy(), lenses.numpy(), batch.image_size, tuple(batch.latents.shape[-2:]))
    given = Conditions(TextConditioning(batch.text_states, batch.text_mask), camera)
    stability = measure_stability(
        student,
        load_codec(latents),
        batch.latents[:, :, :1],
        given,
        layout_of(recipe, frames),
        rollout_settings(recipe),
        named_generator(rollout.seed, "stability"),
    )
    return RolloutReport(
        frames=frames,
        training_frames=trained,
        finite=stability.finite,
        pixel_deviation=stability.pixel_deviation,
        smallest_ratio=min(stability.ratios),
        largest_ratio=max(stability.ratios),
    )
