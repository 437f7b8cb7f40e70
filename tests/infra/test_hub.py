"""Hub downloads are pinned twice, resumed by the client, and never happen unasked. The hub here is a local fake."""

import hashlib
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from data_contracts.errors import InputError, OperationError
from infra.hub import download, pinned_files

COMMIT = "0123456789abcdef0123456789abcdef01234567"
BYTES = b"weights"
DIGEST = hashlib.sha256(BYTES).hexdigest()


class Hub:
    """Serves one content for every name, and remembers what it was asked for."""

    def __init__(self, content: bytes = BYTES) -> None:
        self.content = content
        self.asked: list[tuple[str, str, str]] = []

    def __call__(self, repo_id: str, filename: str, *, revision: str, local_dir: Path) -> str:
        self.asked.append((repo_id, filename, revision))
        path = local_dir / filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.content)
        return str(path)


def test_a_pinned_file_is_brought_once(tmp_path: Path) -> None:
    hub = Hub()
    files = pinned_files([f"dit/model.safetensors={DIGEST}"])
    for _ in range(2):
        assert download("owner/name", COMMIT, files, tmp_path, hub) == [tmp_path / "dit" / "model.safetensors"]
    assert hub.asked == [("owner/name", "dit/model.safetensors", COMMIT)]


def test_bytes_of_another_digest_are_removed_and_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="pinned is"):
        download("owner/name", COMMIT, {"w": DIGEST}, tmp_path, Hub(b"other"))
    assert not (tmp_path / "w").exists()


def test_a_damaged_file_is_brought_again(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(b"half")
    hub = Hub()
    download("owner/name", COMMIT, {"w": DIGEST}, tmp_path, hub)
    assert len(hub.asked) == 1
    assert (tmp_path / "w").read_bytes() == BYTES


@pytest.mark.parametrize(
    ("repository", "revision", "files"),
    [
        ("owner", COMMIT, {"w": DIGEST}),
        ("owner/name", "main", {"w": DIGEST}),
        ("owner/name", "", {"w": DIGEST}),
        ("owner/name", COMMIT, {}),
    ],
)
def test_what_is_not_pinned_is_refused_before_anything_is_asked(tmp_path, repository, revision, files) -> None:
    hub = Hub()
    with pytest.raises(InputError, match="repository"):
        download(repository, revision, files, tmp_path / "new", hub)
    assert not hub.asked
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("text", ["", "w", "w=12", f"={DIGEST}", f"../w={DIGEST}", f"/w={DIGEST}", f"w={'G' * 64}"])
def test_hashes_that_pin_nothing_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="--sha256"):
        pinned_files([text])


def test_an_unreachable_hub_is_an_error_with_a_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def refuse(*_: object, **__: object) -> str:
        raise ConnectionError("no route")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", refuse)
    with pytest.raises(OperationError, match=r"E510.*no route"):
        download("owner/name", COMMIT, {"w": DIGEST}, tmp_path)


class BrokenServer(BaseHTTPRequestHandler):
    """A hub on loopback that hangs up once, in the middle of the file."""

    content = bytes(range(256)) * 60_000  # 15 MB: the client writes in parts of 10 MiB
    hang_up_at = 11_000_000
    ranges: ClassVar[list[str | None]] = []

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._head(200, len(self.content))

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        body = self.content[start:]
        self._head(206 if wanted else 200, len(body))
        self.wfile.write(body if wanted else body[: self.hang_up_at])
        self.close_connection = True

    def _head(self, status: int, length: int) -> None:
        self.send_response(status)
        self.send_header("ETag", f'"{hashlib.sha256(self.content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(length))
        if status == 206:
            whole = len(self.content)
            self.send_header("Content-Range", f"bytes {whole - length}-{whole - 1}/{whole}")
        self.end_headers()


def test_a_broken_off_download_goes_on_where_it_was(tmp_path: Path) -> None:
    from huggingface_hub import hf_hub_download

    server = ThreadingHTTPServer(("127.0.0.1", 0), BrokenServer)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        fetch = partial(hf_hub_download, endpoint=f"http://127.0.0.1:{server.server_port}")
        pinned = {"dit/w.bin": hashlib.sha256(BrokenServer.content).hexdigest()}
        (path,) = download("owner/name", COMMIT, pinned, tmp_path, fetch)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert path.read_bytes() == BrokenServer.content
    assert BrokenServer.ranges == [None, "bytes=10485760-"]
