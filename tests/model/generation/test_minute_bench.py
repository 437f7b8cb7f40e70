"""The benchmark of a whole clip measures on small networks without a GPU, chunk by chunk, with and without refiner."""

import json
from pathlib import Path

from model.causal import ChunkLayout
from model.generation import bench


def test_a_tiny_run(tmp_path: Path) -> None:
    assert bench.main(["--out", str(tmp_path), "--tiny", "--frames", "33"]) == 0
    record = json.loads((tmp_path / "minute.json").read_text())
    chunks = len(ChunkLayout.streaming(5, 3).chunks)
    assert [row["refined"] for row in record["clips"]] == [False, False, True, True]
    for row in record["clips"]:
        assert [len(times) for times in row["part_seconds"].values()] == [chunks, chunks * row["refined"], chunks]
        assert len(row["arrival_seconds"]) == chunks
    assert [row["step"] for row in record["steps"]] == ["bidirectional", "teacher"]
