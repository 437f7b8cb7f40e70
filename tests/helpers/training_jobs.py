"""Jobs for the training stages on a synthetic latents artifact: the tiny recipes, made shorter still."""

from pathlib import Path

import yaml

from infra.torchrun.messages import RankJob

TINY = Path(__file__).parents[2] / "workflows" / "recipes" / "tiny"


def recipe(name: str) -> dict:
    """The embedded recipe as it is on disk."""
    return yaml.safe_load((TINY / f"{name}.yaml").read_text())


def one_rank(config: dict, steps: int, global_batch: int = 1) -> dict:
    """The same on a world of one, with fewer steps and held-out cases."""
    return {
        **config,
        "steps": steps,
        "parallel": {"world_size": 1, "context_parallel": 1, "global_batch": global_batch},
        "held_out": {**config["held_out"], "clips": 2, "noise_levels": 2},
    }


def rank_job(stage: str, inputs: dict[str, Path], output: Path, config: dict) -> RankJob:
    """A job whose output directory exists."""
    output.mkdir(parents=True)
    return RankJob(
        function="unused.here:unused",
        stage=stage,
        inputs={name: str(path) for name, path in inputs.items()},
        output=str(output),
        config=config,
    )
