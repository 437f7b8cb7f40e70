"""The whole forward pass and a step of a rollout are one graph each: the kernels' operators break none."""

import pytest
from interpreter import interpreted

PROGRAM = """
import sys
from dataclasses import replace
import torch
from model.causal import CacheWindow, ChunkLayout, RolloutState
from model.config import tiny
from model.flow.bench import Setting

setting = Setting(replace(tiny(), depth=2, softmax_blocks=(1,)), 2, 3, torch.device("cpu"), torch.float32, 1)
model = setting.model()
noise, given = setting.conditions(7)
graphs = []
def backend(graph, inputs):
    graphs.append(graph)
    return graph
def whole(model, noise, level, camera):
    return model(noise, level, given.text, camera, ChunkLayout.first_plus_one(7, 3))
def step(model, noise, level, camera, state):
    return model.advance(noise, level, given.text, camera, state)[0]
with torch.no_grad():
    level = torch.full((1, 1, 7), 700.0)
    if sys.argv[1] == "whole":
        call, inputs = whole, (model, noise, level, given.camera)
    else:
        first, later = given.frames(0, 4), given.frames(4, 7)
        _, state = model.advance(noise[:, :, :4], level[..., :4], given.text, first.camera, RolloutState())
        call, inputs = step, (model, noise[:, :, 4:], level[..., 4:], later.camera, state)
    expected = call(*inputs)
    found = torch.compile(call, fullgraph=True, dynamic=False, backend=backend)(*inputs)
names = {str(node.target) for graph in graphs for node in graph.graph.nodes}
operators = sorted(name for name in names if "sana_wm" in name)
assert len(graphs) == 1, len(graphs)
assert torch.equal(found, expected)
print(" ".join(operators))
"""
OPERATORS = {"camera_gdn_raw", "frame_gdn_raw", "glu_conv", "modulate", "add_modulate", "add_gated", "gated_sum"}


@pytest.mark.parametrize("what", ["whole", "step"])
def test_one_graph_with_the_kernels_in_it(what: str) -> None:
    result = interpreted("-c", PROGRAM, what)
    assert result.returncode == 0, result.stderr[-2000:]
    for name in OPERATORS:
        assert f"sana_wm.{name}" in result.stdout
