"""Plans come from the table and nowhere else; backends never fall back when named; the page is fresh."""

import json
from pathlib import Path

import pytest
import torch

from kernels.backend import Backend, KernelUnavailableError, choose
from kernels.bench_page import page
from kernels.plans import PlanKey, plan_for, table

BENCHMARKS = Path(__file__).parents[2] / "docs" / "benchmarks"


def test_every_kernel_has_a_plan_for_every_precision_and_length() -> None:
    kernels = {key.kernel for key in table()}
    assert kernels == {"matrix_steps", "normalizer_steps", "camera_steps", "read", "camera_read", "scan"}
    for kernel in kernels:
        for exact in (True, False):
            assert plan_for(PlanKey(kernel, exact, True, 64)).block >= 16


def test_an_unknown_size_takes_the_nearest_row_and_an_unknown_kernel_is_an_error() -> None:
    assert plan_for(PlanKey("scan", False, True, 128, 100)) == plan_for(PlanKey("scan", False, True, 64, 90))
    with pytest.raises(KeyError, match="no launch plan for kernel 'unknown'"):
        plan_for(PlanKey("unknown", False, True, 64))


def test_auto_takes_the_reference_on_a_cpu_and_triton_by_name_refuses() -> None:
    features = torch.zeros(1)
    assert choose(Backend.AUTO, "frame_gdn", [features]) is Backend.REFERENCE
    with pytest.raises(KernelUnavailableError, match="TRITON_INTERPRET=1 is not set"):
        choose(Backend.TRITON, "frame_gdn", [features])
    with pytest.raises(KernelUnavailableError, match="no gradients"):
        choose(Backend.TRITON, "frame_gdn_summary", [features.requires_grad_()])


def test_the_page_is_what_the_json_says() -> None:
    source = BENCHMARKS / "kernels.json"
    assert page(json.loads(source.read_text()), source.name) == (BENCHMARKS / "kernels.md").read_text()
