"""Quantization as the epilogue of what writes the rows: a pass over a compiled model's graph.

``fp8_rows`` of rows that one of the operators here has just written becomes outputs of that operator: the rows are not
read again, and are not written at all where nothing else needs them. Rows quantized twice are quantized once. No bit
of the result changes: an operator's codes are those of its rows as it would have written them.
"""

import hashlib
import operator
from pathlib import Path

import torch
from torch._inductor.custom_graph_pass import CustomGraphPass
from torch.fx import Graph, Node

ROWS, CODES, SCALE = range(3)  # outputs of an operator that ends in rows


class QuantizedEpilogue(CustomGraphPass):
    """Rewrites a graph in place, after gradients: for ``post_grad_custom_post_pass`` of TorchInductor."""

    def __call__(self, graph: Graph) -> None:
        """One pass; the graph computes what it computed."""
        _once(graph)
        for quantization in _quantizations(graph):
            _fuse(graph, quantization)
        graph.lint()

    def uuid(self) -> bytes:
        """What this pass does, for the key of compiled graphs on disk."""
        return hashlib.sha256(Path(__file__).read_bytes()).digest()


def _once(graph: Graph) -> None:
    """Leave one quantization of the same rows."""
    first: dict[object, Node] = {}
    for node in _quantizations(graph):
        kept = first.setdefault(node.args[0], node)
        if kept is not node:
            node.replace_all_uses_with(kept)
            graph.erase_node(node)


def _fuse(graph: Graph, quantization: Node) -> None:
    """Make codes and scales outputs of what wrote the rows, if it is one of ours."""
    rows = quantization.args[0]
    if not (isinstance(rows, Node) and rows.target is operator.getitem and rows.args[1] == ROWS):
        return
    source = rows.args[0]
    flags = _flags(source) if isinstance(source, Node) else None
    if flags is None:
        return
    keep, quantize = flags
    for item in list(quantization.users):
        item.args = (source, CODES + item.args[1])
    graph.erase_node(quantization)
    source.update_arg(quantize, True)
    if not rows.users:
        graph.erase_node(rows)
        source.update_arg(keep, False)


def _flags(source: Node) -> tuple[int, int] | None:
    """Places of ``keep`` and ``quantize`` among the arguments; None if this is no operator that ends in rows."""
    operators = torch.ops.sana_wm
    ours = (operators.modulate, operators.add_modulate, operators.add_gated, operators.gated_sum)
    if source.target not in [packet.default for packet in ours]:
        return None
    names = [argument.name for argument in source.target._schema.arguments]
    return names.index("keep"), names.index("quantize")


def _quantizations(graph: Graph) -> list[Node]:
    return graph.find_nodes(op="call_function", target=torch.ops.sana_wm.fp8_rows.default)
