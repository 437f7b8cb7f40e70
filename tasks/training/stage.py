"""The six training stages; the stage's name and its recipe say which one runs."""

from data_contracts.report import StageSummary
from infra.stage import StageContext
from tasks.training.config import TrainingConfig
from tasks.training.job import TrainingJob
from tasks.training.worker_group import WorkerGroup


def run_training(context: StageContext[TrainingConfig]) -> StageSummary:
    """Train the stage on a torchrun group of the recipe's world size; torch is imported in the workers only.

    Raises:
        InputError: the latents or the parent checkpoint do not fit the recipe.
        OperationError: a worker failed, or the loss was not finite.
    """
    job = TrainingJob(
        name=context.name,
        inputs={name: str(path) for name, path in context.inputs.items()},
        output=str(context.outputs[context.name]),
        config=context.config,
    )
    world_size = context.config.parallel.world_size
    name = f"training-{world_size}"
    group = context.warm.keep(name, lambda: WorkerGroup(world_size))
    try:
        return group.run(job, context.progress)
    except BaseException:
        context.warm.drop(name)  # peers of a failed rank may hang in a collective
        raise
