"""Hub downloads are pinned twice, resumed by the client, and never happen unasked. The hub here is a local fake."""

import hashlib
from pathlib import Path

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
