"""What test groups of ranks are told to do; the ranks import this module by name."""

import os

import torch
import torch.distributed as dist

from data_contracts.errors import ErrorCode, InputError
from data_contracts.report import StageSummary


def add_ranks(job, progress):
    total = torch.tensor([float(dist.get_rank() + 1)])
    dist.all_reduce(total)
    progress.start(job.stage, 1)
    progress.advance()
    return StageSummary(
        items=int(total), metrics={"pid": float(os.getpid()), "threads": float(torch.get_num_threads())}
    )


def refuse(job, progress):
    raise InputError(ErrorCode.CONFIG_INVALID, f"field is {job.config['value']}", "change it")


def die(job, progress):
    if dist.get_rank() == 1:
        os._exit(3)
    dist.barrier()
    return StageSummary(items=0)
