"""Default-mode pose accuracy on a rendered corpus against its exact cameras (Show 4 of the spine).

``python tests/e2e/pose_accuracy.py [--corpus DIR] [--clips 48] [--seed 0] [--workers 2] [--work DIR]``

Renders a corpus (or takes one), ingests it, runs ``pose`` on every usable clip that is not planted to be unusable,
and prints one line a clip: root mean square errors after Sim(3) alignment on the centres, the rotation also after
alignment on the orientations, and the error of the metric scale. Exits 1 when a target is missed.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from rich.console import Console
from safetensors.numpy import load_file

from data_contracts.camera import PoseRow, PoseStatus, ScaleSource
from data_contracts.clip import ClipRow, ClipStatus, PoseMode
from data_contracts.quality import VerdictRow
from infra.stage import StageContext
from model.geometry.alignment import align_orientations
from model.geometry.pose_metrics import path_accuracy
from model.geometry.rotations import geodesic_angle
from model.geometry.se3 import relative_to_first
from tasks.corpus_synth.synthesize import synthesize
from tasks.ingest.config import IngestConfig
from tasks.ingest.sampling import ClipRate, nearest_in_time
from tasks.ingest.stage import run_ingest
from tasks.pose.config import PoseConfig
from tasks.pose.stage import run_pose
from tasks.vision.tables import read_table, write_table

RECIPES = Path(__file__).parents[2] / "workflows" / "recipes" / "tiny"
# Planted clips from which no camera can be found, or which are equal to another.
UNUSABLE = {"black", "frozen", "two_cuts", "exact_duplicate", "pose_rows", "pose_nan", "scale_variation"}
TARGETS = {"rotation": (0.3, 1.0), "translation": (0.5, 2.0)}  # degrees and percent: median, 90th percentile
SCALE_TARGET = 2.0  # percent
SAY = Console(soft_wrap=True, highlight=False)


@dataclass(frozen=True)
class Line:
    """Errors of one clip; infinite for a failure."""

    row: PoseRow
    kind: str
    rotation_deg: float
    rotation_oriented_deg: float
    translation_percent: float
    scale_percent: float


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--clips", type=int, default=48)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--only", default="", help="part of a path")
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="pose-accuracy-"))
    corpus = options.corpus or work / "corpus"
    if not corpus.exists():
        synthesize(corpus, options.clips, options.seed, options.workers)
    lines = measure(corpus, work, options.workers, options.only)
    return judge(lines)


def measure(corpus: Path, work: Path, workers: int, only: str) -> list[Line]:
    """Ingest and pose the corpus; compare each clip with its exact cameras."""
    kinds = {clip["path"]: clip["kind"] for clip in json.loads((corpus / "truth.json").read_text())["clips"]}
    ingest = work / "ingest"
    if not (ingest / "clips.parquet").exists():
        ingest.mkdir(parents=True)
        config = IngestConfig(**yaml.safe_load((RECIPES / "ingest.yaml").read_text()))
        run_ingest(StageContext("ingest", {"corpus": corpus}, {"ingest": ingest}, config, workers=workers))
    clips = {row.path: row for row in read_table(ingest / "clips.parquet", ClipRow)}
    verdicts = [
        VerdictRow(path=path, clip_id=row.clip_id, source=row.source, status=ClipStatus.REJECTED, reasons=[])
        for path, row in clips.items()
        if kinds.get(path) in UNUSABLE or only not in path
    ]
    screen, out = Path(tempfile.mkdtemp(dir=work)), Path(tempfile.mkdtemp(dir=work))
    write_table(screen / "verdicts.parquet", verdicts, VerdictRow)
    config = PoseConfig(**yaml.safe_load((RECIPES / "pose.yaml").read_text()))
    start = time.monotonic()
    inputs = {"ingest": ingest, "screen": screen}
    run_pose(StageContext("pose", inputs, {"pose": out}, config, workers=workers))
    rows = read_table(out / "poses.parquet", PoseRow)
    SAY.print(f"{len(rows)} clips in {time.monotonic() - start:.1f} s with {workers} workers")
    return [_line(row, clips[row.path], kinds[row.path], (corpus, out)) for row in rows]


def _line(row: PoseRow, clip: ClipRow, kind: str, places: tuple[Path, Path]) -> Line:
    if row.status is not PoseStatus.OK:
        return Line(row, kind, np.inf, np.inf, np.inf, np.inf)
    corpus, out = places
    exact = np.load(corpus / "ground_truth" / f"{row.path.replace('/', '__')}.npz")
    rate = ClipRate(clip.fps, 1, clip.raw_frames)
    native = [(index / float(exact["fps"]), index) for index in range(len(exact["camera_to_world"]))]
    shown = [sample.native_index for sample in nearest_in_time(native, rate, 0.0)]
    truth = relative_to_first(exact["camera_to_world"][shown])
    estimate = load_file(out / "poses" / f"{row.clip_id}.safetensors")["camera_to_world"]
    accuracy = path_accuracy(estimate, truth)
    oriented = align_orientations(estimate, truth).poses(estimate)
    angles = np.degrees(geodesic_angle(oriented[:, :3, :3], truth[:, :3, :3]))
    return Line(
        row,
        kind,
        accuracy.rotation_rmse_deg,
        float(np.sqrt(np.mean(angles**2))),
        100 * accuracy.translation_rmse_relative,
        100 * abs(1 / accuracy.scale - 1) if row.scale_source is ScaleSource.SENSOR_DEPTH else np.nan,
    )


def judge(lines: list[Line]) -> int:
    """Print the table; 1 when a target is missed."""
    for line in sorted(lines, key=lambda line: line.row.path):
        row = line.row
        SAY.print(
            f"{row.path:50s} {line.kind:18s} {row.mode:8s} rotation {line.rotation_deg:7.3f} "
            f"({line.rotation_oriented_deg:6.3f}) deg  translation {line.translation_percent:7.3f} %  "
            f"scale {line.scale_percent:6.2f} % {row.scale_source:12s} {row.reprojection_px or 0:.3f} px  {row.detail}"
        )
    default = [line for line in lines if line.row.mode is PoseMode.DEFAULT]
    measured = {
        "rotation": [line.rotation_deg for line in default],
        "translation": [line.translation_percent for line in default],
    }
    missed = False
    for name, values in measured.items():
        middle, high = np.percentile(values, [50, 90], method="higher")
        missed |= middle > TARGETS[name][0] or high > TARGETS[name][1]
        SAY.print(f"default mode, {len(values)} clips: {name} median {middle:.3f}, 90th percentile {high:.3f}")
    scales = [line.scale_percent for line in lines if not np.isnan(line.scale_percent)]
    missed |= max(scales) > SCALE_TARGET
    SAY.print(f"metric scale, {len(scales)} clips with sensor depth: largest error {max(scales):.2f} %")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
