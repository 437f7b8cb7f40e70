"""The streaming benchmark measures on a small network without a GPU, and its page is made from what it wrote."""

import json
from pathlib import Path

from model.causal import ChunkLayout
from model.flow import bench, bench_page


def test_a_tiny_run_and_its_page(tmp_path: Path) -> None:
    assert bench.main(["--out", str(tmp_path), "--tiny", "--repeats", "1", "--frames", "33"]) == 0
    record = json.loads((tmp_path / "chunk.json").read_text())
    assert [row["call"] for row in record["chunk"]] == ["reference", "kernels"]
    assert record["chunk"][1]["error"] == 0.0  # on a CPU both are the reference
    chunks = len(ChunkLayout.streaming(5, 3).chunks)
    assert [len(row["chunk_seconds"]) for row in record["rollouts"]] == [chunks, chunks]
    (tmp_path / "chunk.json").write_text(json.dumps({"command": "c", "commit": "0", **record}))
    bench_page.main([str(tmp_path / name) for name in ("chunk.json", "page.md", "picture.png")])
    assert "| kernels |" in (tmp_path / "page.md").read_text()
    assert (tmp_path / "picture.png").stat().st_size > 1000
