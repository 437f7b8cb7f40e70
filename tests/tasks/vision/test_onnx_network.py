"""An ONNX file is opened only if its bytes, inputs and outputs are what was declared."""

import numpy as np
import pytest
from onnx import TensorProto, helper
from pydantic import ValidationError
from tiny_onnx import named, save, save_dover, save_flow, tensor

from data_contracts.errors import ErrorCode, InputError, OperationError
from tasks.filtering.scorers import dover, unimatch
from tasks.vision.onnx_network import OnnxDevice, OnnxFile, open_network
from tasks.vision.onnx_signature import Signature, TensorLayout

SMALL = (1, 3, 32, 64)
ONE = Signature((TensorLayout("x", (1, 4)),), (TensorLayout("", (1, 4)),))


def identity(path, name="x", axes=(1, 4), kind=TensorProto.FLOAT):
    node = helper.make_node("Identity", [name], ["y"])
    return save(path, [node], [tensor(name, axes, kind)], [tensor("y", axes, kind)])


def refused(file, signature, device=OnnxDevice.CPU):
    with pytest.raises(InputError) as caught:
        open_network(file, signature, device)
    return caught.value


def test_a_network_runs_and_repeats_its_bits(tmp_path):
    network = open_network(save_flow(tmp_path / "flow.onnx"), unimatch.SIGNATURE, OnnxDevice.CPU)
    before, after = np.random.default_rng(0).uniform(0, 255, (2, *SMALL)).astype(np.float32)
    (flow,) = network.run(before, after)
    np.testing.assert_array_equal(flow, (after - before)[:, [0, 2]])
    assert all((network.run(before, after)[0] == flow).all() for _ in range(3))
    assert network.input_axes == ((1, 3, None, None), (1, 3, None, None))
    options = network.session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads, options.use_deterministic_compute) == (
        1,
        1,
        True,
    )


def test_a_process_opens_a_file_once(tmp_path):
    file = save_flow(tmp_path / "flow.onnx")
    assert open_network(file, unimatch.SIGNATURE, OnnxDevice.CPU) is open_network(
        file.model_copy(), unimatch.SIGNATURE, OnnxDevice.CPU
    )


def test_a_missing_file_is_named(tmp_path):
    error = refused(OnnxFile(path=str(tmp_path / "none.onnx"), sha256="0" * 64), ONE)
    assert error.code is ErrorCode.INPUT_MISSING
    assert "none.onnx cannot be read: No such file" in error.message


def test_other_bytes_than_the_named_ones_are_refused(tmp_path):
    file = identity(tmp_path / "x.onnx")
    (tmp_path / "x.onnx").write_bytes((tmp_path / "x.onnx").read_bytes() + b"\0")
    error = refused(file, ONE)
    assert error.code is ErrorCode.WEIGHTS_INVALID
    assert f"the recipe names {file.sha256}" in error.message


@pytest.mark.parametrize("content", [b"", b"no network", b"\x08\x09" + bytes(40)], ids=["empty", "text", "zeros"])
def test_what_is_not_onnx_is_refused(tmp_path, content):
    (tmp_path / "x.onnx").write_bytes(content)
    error = refused(named(tmp_path / "x.onnx"), ONE)
    assert error.code is ErrorCode.WEIGHTS_INVALID
    assert "is no ONNX network that can be run" in error.message


def test_a_cut_off_file_is_refused(tmp_path):
    save_dover(tmp_path / "x.onnx")
    content = (tmp_path / "x.onnx").read_bytes()
    (tmp_path / "x.onnx").write_bytes(content[: len(content) // 2])
    assert refused(named(tmp_path / "x.onnx"), dover.SIGNATURE).code is ErrorCode.WEIGHTS_INVALID


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ({"name": "z"}, "has the inputs ['z']; they must be ['x']"),
        ({"axes": (1, 5)}, "input x is [1, 5]; it must be [1, 4]"),
        ({"axes": (1, 4, 1)}, "input x is [1, 4, 1]; it must be [1, 4]"),
        ({"kind": TensorProto.FLOAT16}, "input x is tensor(float16); it must be tensor(float)"),
    ],
    ids=["name", "size", "rank", "type"],
)
def test_another_input_is_told(tmp_path, made, told):
    assert told in refused(identity(tmp_path / "x.onnx", **made), ONE).message


def test_free_axes_fit_any_size(tmp_path):
    network = open_network(identity(tmp_path / "x.onnx", axes=("batch", 4)), ONE, OnnxDevice.CPU)
    assert network.input_axes == ((None, 4),)


def test_another_output_is_told(tmp_path):
    file = identity(tmp_path / "x.onnx")
    none = Signature(ONE.inputs, ())
    assert "has 1 outputs ['y']; it must have 0" in refused(file, none).message
    flat = Signature(ONE.inputs, (TensorLayout("", (4,)),))
    assert "output y is [1, 4]; it must be [4]" in refused(file, flat).message


def test_the_published_layouts_are_not_taken_for_one_another(tmp_path):
    assert "has the inputs" in refused(save_flow(tmp_path / "f.onnx"), dover.SIGNATURE).message
    assert "is [1, 3, 32, 224, 224]" in refused(save_dover(tmp_path / "d.onnx"), unimatch.SIGNATURE).message


def test_sizes_that_the_network_refuses_are_told(tmp_path):
    network = open_network(save_flow(tmp_path / "f.onnx", (32, 64)), unimatch.SIGNATURE, OnnxDevice.CPU)
    wrong = np.zeros((1, 3, 32, 32), np.float32)
    with pytest.raises(OperationError, match=r"cannot run on inputs of \[\(1, 3, 32, 32\)"):
        network.run(wrong, wrong)


def test_an_output_whose_real_size_is_not_the_declared_one_is_told(tmp_path):
    file = identity(tmp_path / "x.onnx", axes=("batch", "width"))
    free = Signature((TensorLayout("x", (None, None)),), (TensorLayout("", (None, 2)),))
    network = open_network(file, free, OnnxDevice.CPU)
    with pytest.raises(OperationError, match=r"answered with \(1, 3\); it must be \[any, 2\]"):
        network.run(np.zeros((1, 3), np.float32))


def test_an_absent_device_is_told(tmp_path):
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA")
    error = refused(identity(tmp_path / "x.onnx"), ONE, OnnxDevice.CUDA)
    assert error.code is ErrorCode.CONFIG_INVALID
    assert "onnx_device is cuda; this ONNX Runtime has" in error.message


@pytest.mark.filterwarnings("ignore:Specified provider:UserWarning")
def test_a_device_that_does_not_start_is_told(tmp_path, monkeypatch):
    """The runtime says it has CUDA, and falls back to the CPU when it cannot start it."""
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    error = refused(identity(tmp_path / "x.onnx"), ONE, OnnxDevice.CUDA)
    assert error.code is ErrorCode.CONFIG_INVALID
    assert "onnx_device is cuda; the network would run on CPUExecutionProvider" in error.message


@pytest.mark.parametrize("digest", ["", "0" * 63, "A" * 64, "sha256:" + "0" * 57])
def test_a_file_is_named_with_its_digest(digest):
    with pytest.raises(ValidationError, match="sha256"):
        OnnxFile(path="x.onnx", sha256=digest)
