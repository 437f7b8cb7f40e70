"""The benchmark of a whole clip measures on small networks without a GPU, chunk by chunk, with and without refiner."""

import json
from pathlib import Path

from model.causal import ChunkLayout
from model.generation import bench, bench_page
from serving import bench_video


def test_a_tiny_run(tmp_path: Path) -> None:
    assert bench.main(["--out", str(tmp_path), "--tiny", "--frames", "33"]) == 0
    record = json.loads((tmp_path / "minute.json").read_text())
    chunks = len(ChunkLayout.streaming(5, 3).chunks)
    assert [row["refined"] for row in record["clips"]] == [False, False, True, True]
    for row in record["clips"]:
        assert [len(times) for times in row["part_seconds"].values()] == [chunks, chunks * row["refined"], chunks]
        assert len(row["arrival_seconds"]) == chunks
    assert [row["step"] for row in record["steps"]] == ["bidirectional", "teacher"]
    assert [row["part"] for row in record["texts"]] == ["text of stage 1"]
    assert set(record["chunk_floor_seconds"]) == {"stage 1", "decoder", "refiner"}
    record |= {"command": "this test", "commit": "none"}
    (tmp_path / "minute.json").write_text(json.dumps(record))
    bench_video.main(["--out", str(tmp_path / "h264.json"), "--frames", "9", "--size", "64", "96"])
    bench_page.main([str(tmp_path / name) for name in ("minute.json", "h264.json", "page.md", "picture.png")])
    text = (tmp_path / "page.md").read_text()
    assert "| refiner |" in text
    assert "| H.264, on the CPU |" in text
    assert (tmp_path / "picture.png").stat().st_size > 1000


def test_the_page_of_blocks_is_that_of_its_json() -> None:
    from model import bench_page as block_page

    benchmarks = Path(__file__).parents[3] / "docs/benchmarks"
    record = json.loads((benchmarks / "blocks.json").read_text())
    assert block_page.page(record, "blocks.json") == (benchmarks / "blocks.md").read_text()
