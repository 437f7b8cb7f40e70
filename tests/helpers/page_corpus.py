"""A corpus for the steward's page: clear misses, near ones of both sides, a hostile name, pictures, a camera path."""

import cv2
import numpy as np
import polars as pl
from safetensors.numpy import save_file

from tasks.reporting.corpus_page.source import CorpusPageSource

CLIPS = 300
HOSTILE = "plain/<script>alert('x')</script>.mp4"


def build_corpus(home):
    """Three hundred clips of one source under two rules; the tables in memory, pictures and cameras in ``home``."""
    motion = np.linspace(0.1, 20, CLIPS)
    motion[7] = np.nan
    saturation = np.full(CLIPS, 100.0)
    saturation[[5, 100, 200]] = (250.0, 175.0, 181.0)  # a clear miss that motion rejects too, near ones of both sides
    paths = [HOSTILE if i == 3 else f"plain/clip_{i:03d}.mp4" for i in range(CLIPS)]
    ids = [f"{i:064x}" for i in range(CLIPS)]
    cells = [
        pl.DataFrame({"path": paths, "clip_id": ids, "rule": metric, "metric": metric, "value": values}).with_columns(
            scorer=pl.lit(scorer),
            minimum=pl.lit(low, pl.Float64),
            maximum=pl.lit(high, pl.Float64),
            outcome=pl.when(pl.col("value").is_between(low, high) & pl.col("value").is_not_nan())
            .then(pl.lit("pass"))
            .otherwise(pl.lit("fail")),
        )
        for metric, scorer, values, low, high in (
            ("vmaf_motion", "ffmpeg_vmafmotion", motion, 0.5, 50.0),
            ("saturation", "hsv_mean", saturation, 0.0, 180.0),
        )
    ]
    outcomes = pl.concat(cells)
    failed = outcomes.filter(pl.col("outcome") == "fail").group_by("path").agg(reasons=pl.col("rule").sort())
    why = failed.rows_by_key("path", unique=True)
    found = [list(why.get(path, ([],))[0]) for path in paths]
    verdicts = pl.DataFrame(
        {"path": paths, "clip_id": ids, "source": ["plain"] * CLIPS, "reasons": found},
        schema_overrides={"reasons": pl.List(pl.String)},
    ).with_columns(
        status=pl.when(pl.col("reasons").list.len() > 0).then(pl.lit("rejected")).otherwise(pl.lit("accepted"))
    )
    (home / "thumbnails").mkdir()
    for near in (100, 200):
        cv2.imwrite(str(home / "thumbnails" / f"{ids[near]}.jpg"), np.full((9, 16, 3), 80, np.uint8))
    (home / "poses").mkdir()
    cameras = np.tile(np.eye(4), (81, 1, 1))
    cameras[:, 2, 3] = np.linspace(0, 3, 81)
    save_file({"camera_to_world": cameras}, home / "poses" / f"{ids[200]}.safetensors")
    scores = outcomes.select("path", "metric", "scorer", "value")
    return CorpusPageSource(verdicts, scores, outcomes, (home / "thumbnails",), (home / "poses",))
