"""Table 7 of the paper (and what App. A and C state besides), typed out, against the paper recipes."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from data_contracts.recipe import ArchitectureRecipe
from tasks.distillation.config import OdeInitConfig, SelfForcingConfig
from tasks.refining.config import RefinerLoraConfig
from tasks.training.config import TrainingConfig

RECIPES = Path(__file__).parents[2] / "workflows" / "recipes"

# Purpose: clip seconds, batch per GPU, context parallel size, effective global batch, learning rate, steps.
TABLE_7 = {
    "frame_gdn": (5, 1, 1, 64, 5e-5, 30_000),
    "hybrid_attention": (5, 1, 1, 64, 5e-5, 30_000),
    "minute_camera": (60, 0.5, 2, 32, 1e-5, 31_000),
    "quality_sft": (60, 0.5, 2, 32, 1e-5, 10_000),
}
GPUS = 64
FPS = 16


def load(kind, name, config):
    return config.model_validate(yaml.safe_load((RECIPES / kind / f"{name}.yaml").read_text()))


@pytest.mark.parametrize("name", TABLE_7)
def test_table_7(name):
    seconds, per_gpu, context_parallel, global_batch, rate, steps = TABLE_7[name]
    recipe = load("paper", name, TrainingConfig)
    assert recipe.corpus.maximum_raw_frames == seconds * FPS + 1
    assert recipe.parallel.world_size == GPUS
    assert recipe.parallel.context_parallel == context_parallel
    assert recipe.parallel.global_batch == global_batch
    assert recipe.parallel.global_batch / recipe.parallel.world_size == per_gpu
    assert recipe.parallel.clips_per_group * GPUS // context_parallel == global_batch
    assert recipe.optimizer.learning_rate == rate
    assert recipe.optimizer.gradient_clip == 0.5
    assert recipe.compute.precision == "bfloat16"
    assert recipe.steps == steps


def test_what_each_stage_adds():
    """Sec. 3.1: codec with linear attention, then GDN, then softmax blocks, then cameras, then chunks."""
    names = ["vae_adaptation", *TABLE_7, "chunk_causal"]
    recipes = [load("paper", name, TrainingConfig) for name in names]
    seen = [(r.architecture.mixer, r.architecture.hybrid, r.architecture.camera, r.layout.kind) for r in recipes]
    assert seen == [
        ("linear", False, False, "single"),
        ("frame_gdn", False, False, "single"),
        ("frame_gdn", True, False, "single"),
        ("frame_gdn", True, True, "single"),
        ("frame_gdn", True, True, "single"),
        ("frame_gdn", True, True, "first_plus_one"),
    ]
    assert [r.parent for r in recipes] == ["", *names[:-1]]
    assert recipes[0].steps == 50_000  # C.2: about 50K


def test_chunk_causal_mixture_and_context_parallel():
    recipe = load("paper", "chunk_causal", TrainingConfig)
    assert recipe.timesteps.weights == (0.1, 0.4, 0.4, 0.1)
    assert recipe.parallel.context_parallel == 2
    assert recipe.optimizer.learning_rate == 1e-5
    assert recipe.optimizer.epsilon == 1e-10


def test_distillation_is_the_published_one():
    ode = load("paper", "ode_init", OdeInitConfig)
    forcing = load("paper", "self_forcing", SelfForcingConfig)
    assert (ode.student.latent_frames - 1) * 8 + 1 == 337
    assert (ode.optimizer.learning_rate, ode.steps, ode.optimizer.weight_decay) == (2e-5, 3000, 0.01)
    assert ode.student.sigmas == forcing.student.sigmas == [1.0, 0.967, 0.908, 0.764]
    assert (forcing.generator_optimizer.learning_rate, forcing.critic_optimizer.learning_rate) == (1e-5, 2e-6)
    assert (forcing.generator_optimizer.beta1, forcing.generator_optimizer.beta2) == (0, 0.999)
    assert (forcing.steps, forcing.parallel.context_parallel, forcing.matching.critic_steps) == (3000, 4, 5)
    assert (forcing.matching.shift, forcing.matching.lowest, forcing.matching.highest) == (10, 0.02, 0.98)
    assert (forcing.student.cached_chunks, forcing.student.sink) == (2, True)


def test_refiner_is_that_of_appendix_a():
    recipe = load("paper", "refiner_lora", RefinerLoraConfig)
    assert recipe.sigma_start == 0.909375
    assert recipe.adapters.rank == 384


@pytest.mark.parametrize("profile", ["v1", "diffusers"])
def test_no_recipe_can_train_under_numerics_that_leak(profile):
    with pytest.raises(ValidationError, match="numerics"):
        ArchitectureRecipe(preset="tiny", mixer="frame_gdn", hybrid=True, camera=True, numerics=profile)


def test_the_embedded_recipes_keep_table_7s_parallelism():
    for name, (_, _, context_parallel, _, _, _) in TABLE_7.items():
        assert load("tiny", name, TrainingConfig).parallel.context_parallel == context_parallel
