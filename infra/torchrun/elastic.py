"""A rank that something else has launched: a PyTorchJob's torchrun, on a cluster."""

from data_contracts.errors import ErrorCode, OperationError
from data_contracts.report import StageSummary
from infra.stage import ProgressSink
from infra.torchrun.messages import RankJob


def run_launched_rank(job: RankJob, world_size: int, progress: ProgressSink) -> StageSummary:
    """Do the job as one rank of the world this process was launched into.

    Raises:
        OperationError: this process was not launched by torchrun, or its world has another size than the recipe's.
    """
    import torch
    import torch.distributed as dist

    from infra.torchrun.worker import function_of

    if not dist.is_torchelastic_launched():
        raise _too_large(job, world_size, "this process is alone")
    if not dist.is_initialized():
        dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    if dist.get_world_size() != world_size:
        raise _too_large(job, world_size, f"this world has {dist.get_world_size()}")
    if torch.cuda.is_available():
        torch.cuda.set_device(dist.get_node_local_rank())
    return function_of(job)(job, progress)


def _too_large(job: RankJob, world_size: int, found: str) -> OperationError:
    return OperationError(
        ErrorCode.CAPACITY,
        f"{job.stage} needs parallel.world_size = {world_size} ranks; {found}",
        "run it with --profile cluster, or choose the tiny recipes",
    )
