"""``wm serve`` as users meet it: the real KServe server in its own process, stock clients in front of it."""

import asyncio
import io
import shutil
import socket
import subprocess
import sys
import time

import av
import httpx
import numpy as np
import pytest
from PIL import Image
from tiny_bundle import write_tiny_bundle

from infra import signing
from model.generation.action_path import walk_forward

SERVE = "import sys; from pathlib import Path; from serving.server import ServeOptions, serve; " \
    "serve(ServeOptions(Path(sys.argv[1]), Path(sys.argv[2]), '127.0.0.1', int(sys.argv[3]), 4))"  # fmt: skip


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    root = tmp_path_factory.mktemp("served")
    bundle = write_tiny_bundle(root)
    signing.sign_directory(bundle, signing.ensure_key(root / "keys"), signing.beside(bundle))
    return root, bundle


def start(root, bundle, port):
    command = [sys.executable, "-c", SERVE, str(root), str(bundle), str(port)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture(scope="module")
def server(signed):
    port = free_port()
    process = start(*signed, port)
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 90
    while True:
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < deadline, "the server never became ready"
        try:
            if httpx.get(f"{address}/v2/models/sana-wm/ready").status_code == 200:
                break
        except httpx.TransportError:
            time.sleep(0.2)
    yield address
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode in (0, -15)


def png():
    stream = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (80, 120, 3), np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    stream.seek(0)
    stream.name = "first.png"
    return stream


def frames_of(payload):
    with av.open(io.BytesIO(payload)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_openai_client_code_works_unchanged(server):
    from openai import OpenAI

    client = OpenAI(base_url=f"{server}/v1", api_key="none")
    job = client.videos.create(model="sora-2", prompt="a room", seconds="4", input_reference=png())
    deadline = time.monotonic() + 60
    while job.status in ("queued", "in_progress"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
        job = client.videos.retrieve(job.id)
    assert job.status == "completed", job.error
    frames = frames_of(client.videos.download_content(job.id).read())
    assert frames.shape == (65, 64, 96, 3)
    assert frames.std() > 1
    assert [video.id for video in client.videos.list()] == [job.id]
    assert client.videos.delete(job.id).deleted
    assert list(client.videos.list()) == []


def test_kserve_client_sends_camera_tensors(server):
    from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

    async def ask():
        client = InferenceRESTClient(RESTConfig(protocol="v2", timeout=60))
        assert await client.is_server_ready(server)
        prompt = InferInput("prompt", [1], "BYTES")
        prompt.set_data_from_numpy(np.array([b"a room"], dtype=object), binary_data=False)
        path = InferInput("camera_to_world", [17, 4, 4], "FP64")
        path.set_data_from_numpy(walk_forward(17), binary_data=False)
        request = InferRequest("sana-wm", [prompt, path])
        answers = [await client.infer(server, request, model_name="sana-wm") for _ in range(2)]
        await client.close()
        return answers

    first, second = asyncio.run(ask())
    video = first.outputs[0].as_numpy().tobytes()
    assert frames_of(video).shape == (17, 64, 96, 3)
    assert video == second.outputs[0].as_numpy().tobytes()
    assert first.id
    assert first.id != second.id


def infer(server, inputs):
    return httpx.post(f"{server}/v2/models/sana-wm/infer", json={"inputs": inputs}, timeout=60)


PROMPT = {"name": "prompt", "datatype": "BYTES", "shape": [1], "data": ["a room"]}
STILL = {
    "name": "camera_to_world",
    "datatype": "FP64",
    "shape": [9, 4, 4],
    "data": np.tile(np.eye(4), (9, 1, 1)).ravel().tolist(),
}


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        ([STILL], "prompt"),
        ([PROMPT], "camera_to_world"),
        ([PROMPT, {**STILL, "shape": [8, 4, 4], "data": STILL["data"][:128]}], "8 frames"),
        ([PROMPT, {**STILL, "shape": [9, 4, 5]}], "camera_to_world"),
        ([PROMPT, {**STILL, "data": STILL["data"][:-1]}], "camera_to_world"),
        ([PROMPT, {**STILL, "data": [2.0, *STILL["data"][1:]]}], "rigid"),
        ([PROMPT, STILL, {**PROMPT, "name": "colour"}], "colour"),
    ],
    ids=["no prompt", "no path", "8 frames", "bad shape", "short data", "not rigid", "unknown"],
)
def test_a_bad_tensor_is_a_400_that_names_it(server, inputs, named):
    answer = infer(server, inputs)
    assert answer.status_code == 400, answer.text
    assert named in answer.text
    assert "Traceback" not in answer.text


def test_metadata_says_what_the_model_takes(server):
    metadata = httpx.get(f"{server}/v2/models/sana-wm").json()
    assert {tensor["name"] for tensor in metadata["inputs"]} >= {"prompt", "camera_to_world", "intrinsics"}
    assert "<html" in httpx.get(server).text


def test_a_flipped_byte_is_refused_before_anything_is_loaded(signed, tmp_path):
    root, bundle = signed
    copy = tmp_path / "bundle"
    shutil.copytree(bundle, copy)
    files, copies = signing.beside(bundle), signing.beside(copy)
    shutil.copy(files.manifest, copies.manifest)
    shutil.copy(files.signature, copies.signature)
    with (copy / "model.safetensors").open("r+b") as stream:
        stream.seek(5000)
        byte = stream.read(1)
        stream.seek(5000)
        stream.write(bytes([byte[0] ^ 1]))
    process = start(root, copy, free_port())
    output, _ = process.communicate(timeout=90)
    assert process.returncode != 0
    assert "model.safetensors" in output
    assert "E402" in output
