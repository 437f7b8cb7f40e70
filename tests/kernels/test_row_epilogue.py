"""Quantization as an epilogue: which nodes are joined, that no bit changes, that codes are those of the rows."""

import operator

import pytest
import torch
from interpreter import interpreted
from torch.fx.experimental.proxy_tensor import make_fx

from kernels.rows import ops
from kernels.rows.epilogue import QuantizedEpilogue

EPS = 1e-6
OURS = torch.ops.sana_wm


def drawn(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).bfloat16()


def given() -> tuple[torch.Tensor, ...]:
    return (
        drawn(1, 3, 5, 64, seed=0),
        drawn(1, 3, 5, 64, seed=1),
        drawn(1, 3, 6, 64, seed=2),
        drawn(1, 4, 3, 5, 16, seed=3),
    )


def block(tokens, update, vectors, heads):
    """What a block does to rows, each result quantized; the first also read as it is, and quantized twice."""
    shift, scale, gate, *_ = vectors.unbind(2)
    normed = ops.modulate(tokens, shift, scale, EPS, True, False, True)[0]
    total = ops.add_gated(tokens, update, gate, normed, True, False, True)[0]
    again, _, _, stream = ops.add_modulate(total, update, shift, scale, EPS, True, False, True)
    mixed = ops.gated_sum(heads, update, tokens, True, False, True)[0]
    quantized = [part for rows in (normed, normed, total, again, mixed, update) for part in ops.fp8_rows(rows, True)]
    return [normed + 1, total + 1, stream, *[part.float() for part in quantized]]


def rewritten() -> tuple[torch.fx.GraphModule, list[torch.Tensor]]:
    graph = make_fx(block)(*given())
    expected = graph(*given())
    QuantizedEpilogue()(graph.graph)
    graph.recompile()
    return graph, expected


def test_a_rewritten_graph_computes_the_same_bits():
    graph, expected = rewritten()
    for found, one in zip(graph(*given()), expected, strict=True):
        assert torch.equal(found, one)


def test_only_rows_that_another_operator_wrote_are_quantized_apart():
    graph, _ = rewritten()
    left = graph.graph.find_nodes(op="call_function", target=OURS.fp8_rows.default)
    assert [node.args[0].name for node in left] == ["update_1"]


@pytest.mark.parametrize(
    ("name", "kept"), [("modulate", True), ("add_gated", True), ("add_modulate", False), ("gated_sum", False)]
)
def test_rows_are_written_only_where_something_reads_them(name, kept):
    graph, _ = rewritten()
    (node,) = graph.graph.find_nodes(op="call_function", target=getattr(OURS, name).default)
    arguments = dict(zip([one.name for one in node.target._schema.arguments], node.args, strict=True))
    assert (arguments["keep"], arguments["quantize"]) == (kept, True)
    assert kept == any(user.args[1] == 0 and user.users for user in node.users if user.target is operator.getitem)


def test_the_key_of_compiled_graphs_follows_the_pass():
    assert QuantizedEpilogue().uuid() == QuantizedEpilogue().uuid()


KERNELS = """
import sys, torch
from kernels.rows import ops
draw = torch.Generator().manual_seed(0)
def drawn(*shape):
    return torch.randn(shape, generator=draw).bfloat16()
tokens, update, vectors = drawn(2, 3, 5, 48), drawn(2, 3, 5, 48), drawn(2, 3, 6, 48)
heads = drawn(2, 3, 5, 4, 12).permute(0, 3, 1, 2, 4)
shift, scale, gate, *_ = vectors.unbind(2)
calls = [
    lambda keep: ops.launch_modulate(tokens, shift, scale, 1e-6, keep, True),
    lambda keep: ops.launch_add_modulate(tokens, update, shift, scale, 1e-6, keep, True),
    lambda keep: ops.launch_add_gated(tokens, update, gate, update, keep, True),
    lambda keep: ops.launch_gated_sum(heads, update, tokens, keep, True),
]
for call in calls:
    (rows, codes, factors, *_), (nothing, alone, _, *_) = call(True), call(False)
    apart, sizes = ops.launch_fp8_rows(rows)
    assert torch.equal(codes.float(), apart.float()) and torch.equal(factors, sizes)
    assert torch.equal(codes.float(), alone.float()) and nothing.numel() == 0
"""


def test_a_kernels_codes_are_those_of_the_rows_it_writes():
    result = interpreted("-c", KERNELS)
    assert result.returncode == 0, result.stderr[-2000:]
