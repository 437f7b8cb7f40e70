"""ONNX files of a few operators in the layouts of UniMatch and DOVER, whose answers can be told by hand."""

import hashlib

import onnx
from onnx import TensorProto, helper

from tasks.vision.onnx_network import OnnxFile

FLOAT = TensorProto.FLOAT
VIEW = (3, 32, 224, 224)


def tensor(name, axes, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, list(axes))


def integers(name, *values):
    return helper.make_tensor(name, TensorProto.INT64, [len(values)], values)


def save(path, nodes, inputs, outputs, constants=()):
    """Write a checked model and return it as a configuration names it."""
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return named(path)


def named(path):
    return OnnxFile(path=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def save_flow(path, size=("height", "width"), rows=1, divisor=1.0):
    """Flow (red of the second - red of the first, blue likewise) / divisor; ``rows`` of 2 has the flow back, too."""
    nodes = [helper.make_node("Sub", ["second", "first"], ["change"])]
    nodes += [helper.make_node("Gather", ["change", "red_blue"], ["moved"], axis=1)]
    nodes += [helper.make_node("Div", ["moved", "divisor"], ["forward"])]
    nodes += [helper.make_node("Neg", ["forward"], ["backward"])]
    nodes += [helper.make_node("Concat", ["forward", "backward"][:rows], ["flow"], axis=0)]
    constants = [integers("red_blue", 0, 2), helper.make_tensor("divisor", FLOAT, [], [divisor])]
    inputs = [tensor("first", (1, 3, *size)), tensor("second", (1, 3, *size))]
    return save(path, nodes, inputs, [tensor("flow", (rows, 2, *size))], constants)


def save_dover(path, clips=4, divisor=1.0):
    """Mean of the aesthetic view / divisor, and the same of each clip of the technical view, negated."""
    nodes = []
    for view, answer in (("aes_view", "first"), ("tech_view", "second")):
        # Side by side: one float32 sum of 1.6 million pixels would be wrong in the fourth digit.
        nodes += [helper.make_node("ReduceMean", [view, "columns"], [f"{view}_rows"])]
        nodes += [helper.make_node("ReduceMean", [f"{view}_rows", "rest"], [f"{view}_mean"], keepdims=0)]
        nodes += [helper.make_node("Div", [f"{view}_mean", f"{view}_divisor"], [answer])]
    constants = [integers("columns", 4), integers("rest", 1, 2, 3, 4)]
    constants += [helper.make_tensor("aes_view_divisor", FLOAT, [], [divisor])]
    constants += [helper.make_tensor("tech_view_divisor", FLOAT, [], [-divisor])]
    inputs = [tensor("aes_view", (1, *VIEW)), tensor("tech_view", (clips, *VIEW))]
    return save(path, nodes, inputs, [tensor("first", (1,)), tensor("second", (clips,))], constants)
