"""The smoke test: the real server in its own process, asked over HTTP for a video, as a user would."""

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from data_contracts.errors import ErrorCode, OperationError
from infra import signing

POLL = 0.2


@dataclass(frozen=True)
class SmokeRequest:
    """What is asked for.

    Attributes:
        model: served name.
        image: first frame.
        prompt: what it shows.
        action: where to walk.
        seconds: how long everything may take.
    """

    model: str
    image: Path
    prompt: str
    action: str
    seconds: float


def smoke_test(bundle: Path, request: SmokeRequest, destination: Path) -> dict[str, float]:
    """Serve a signed copy of ``bundle`` on a free loopback port, ask for a video, write it; gives times in seconds.

    The copy is signed with a key of the moment: what is tested is the whole way, signature check included.

    Raises:
        OperationError: the server does not come up, refuses, or does not deliver in time.
    """
    scratch = Path(tempfile.mkdtemp(prefix="smoke-"))
    try:
        copy = scratch / "bundle"
        shutil.copytree(bundle, copy)
        signing.sign_directory(copy, signing.ensure_key(scratch / "keys"), signing.beside(copy))
        began = time.monotonic()
        deadline = began + request.seconds
        # One client for all requests: making one reads every certificate of the machine.
        with _server(scratch, copy) as server, httpx.Client(base_url=server.address, timeout=30) as client:
            _until_ready(server, client, request.model, deadline)
            ready = time.monotonic()
            destination.write_bytes(_ask(client, request, deadline))
        return {"smoke_ready_seconds": ready - began, "smoke_video_seconds": time.monotonic() - ready}
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@dataclass(frozen=True)
class _Server:
    process: subprocess.Popen
    address: str
    log: Path


@contextmanager
def _server(workdir: Path, bundle: Path) -> Iterator[_Server]:
    port = _free_port()
    log = workdir / "serve.log"
    wm = Path(sys.executable).with_name("wm")
    command = [str(wm), "serve", "--workdir", str(workdir), "--bundle", str(bundle), "--port", str(port)]
    with log.open("w") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream, stdin=subprocess.DEVNULL)
    try:
        yield _Server(process, f"http://127.0.0.1:{port}", log)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until_ready(server: _Server, client: httpx.Client, model: str, deadline: float) -> None:
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise _failed(f"`wm serve` ended with {server.process.returncode}: {_tail(server.log)}")
        try:
            if client.get(f"/v2/models/{model}/ready", timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass  # not listening yet
        time.sleep(POLL)
    raise _failed(f"`wm serve` was not ready in time: {_tail(server.log)}")


def _ask(client: httpx.Client, request: SmokeRequest, deadline: float) -> bytes:
    with request.image.open("rb") as image:
        fields = {"prompt": request.prompt, "action": request.action}
        created = client.post("/v1/videos", data=fields, files={"input_reference": (request.image.name, image)})
    job = _body(created)
    while job["status"] in ("queued", "in_progress"):
        if time.monotonic() > deadline:
            raise _failed(f"video {job['id']} was not ready in time: {job['progress']}%")
        time.sleep(POLL)
        job = _body(client.get(f"/v1/videos/{job['id']}"))
    if job["status"] != "completed":
        raise _failed(f"the video failed: {job['error']}")
    content = client.get(f"/v1/videos/{job['id']}/content")
    if content.status_code != httpx.codes.OK:
        raise _failed(f"the video could not be fetched: {content.text[:200]}")
    return content.content


def _body(response: httpx.Response) -> dict:
    if response.status_code != httpx.codes.OK:
        raise _failed(f"the server answered {response.status_code}: {response.text[:200]}")
    return response.json()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _tail(log: Path) -> str:
    return " / ".join(log.read_text(errors="replace").splitlines()[-3:])[-400:]


def _failed(message: str) -> OperationError:
    return OperationError(
        ErrorCode.GATE_FAILED, f"smoke test: {message}", "start `wm serve` by hand and look at its log"
    )
