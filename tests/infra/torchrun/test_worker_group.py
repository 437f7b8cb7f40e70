"""A warm group of real torchrun ranks: reuse, coded errors, death of a rank."""

import os

import pytest
from pydantic import BaseModel

from data_contracts.errors import ErrorCode, InputError, OperationError
from infra.stage import SilentProgress, StageContext
from infra.torchrun.group import run_on_ranks
from infra.warm import WarmResources

FUNCTIONS = "tests.helpers.rank_functions"


class Config(BaseModel):
    value: int = 7


class Recorder(SilentProgress):
    def __init__(self):
        self.calls = []

    def start(self, label, total):
        self.calls.append((label, total))

    def advance(self, units=1):
        self.calls.append(units)


@pytest.fixture
def context(tmp_path):
    warm = WarmResources()
    yield StageContext(
        name="stage", inputs={}, outputs={"stage": tmp_path}, config=Config(), progress=Recorder(), warm=warm
    )
    warm.close()


def test_a_group_is_reused_and_errors_keep_their_code(context):
    first = run_on_ranks(context, 2, f"{FUNCTIONS}:add_ranks")
    second = run_on_ranks(context, 2, f"{FUNCTIONS}:add_ranks")
    assert first.items == 3
    assert first.metrics["threads"] == 1
    assert second.metrics["pid"] == first.metrics["pid"]
    assert context.progress.calls == [("stage", 1), 1, ("stage", 1), 1]
    with pytest.raises(InputError, match="field is 7") as raised:
        run_on_ranks(context, 2, f"{FUNCTIONS}:refuse")
    assert raised.value.code is ErrorCode.CONFIG_INVALID
    context.warm.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int(first.metrics["pid"]), 0)


def test_a_dead_rank_is_an_operation_error(context):
    with pytest.raises(OperationError) as raised:
        run_on_ranks(context, 2, f"{FUNCTIONS}:die")
    assert raised.value.code is ErrorCode.WORKER_FAILED


def test_a_world_larger_than_the_machine_is_refused(context):
    with pytest.raises(OperationError, match="64") as raised:
        run_on_ranks(context, 64, f"{FUNCTIONS}:add_ranks")
    assert raised.value.code is ErrorCode.CAPACITY
